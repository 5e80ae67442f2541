"""The lives of things on the agenda: they own no rule of AWS."""
