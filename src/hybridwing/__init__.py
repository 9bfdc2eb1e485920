"""Find hybrid butterflies in photographs of specimens."""

__version__ = "0.1.0"
