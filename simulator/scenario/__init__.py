"""What a user may ask: the scenario language, its checks, and the dated rules of AWS."""
