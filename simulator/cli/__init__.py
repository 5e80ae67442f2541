"""What a user types: each command parses, runs, prints."""
