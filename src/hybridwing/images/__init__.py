"""Photographs as files: finding them and decoding them safely. Knows no model."""
