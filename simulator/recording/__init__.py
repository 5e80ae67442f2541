"""Rows: what they are, who writes them, where they go."""
