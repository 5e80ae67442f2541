"""Rows in, numbers and frames out; queueing formulas."""
