"""Figures and pages that show a result."""
