"""The rules of each AWS service as plain state machines: no engine, no clock, no chance."""
