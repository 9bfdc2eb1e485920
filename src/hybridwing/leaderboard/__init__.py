"""Runs and submissions compared."""
