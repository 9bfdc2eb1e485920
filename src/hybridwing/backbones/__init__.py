"""Frozen image encoders by name, each with its preprocessing."""
