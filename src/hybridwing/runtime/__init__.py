"""The ground floor: decode, preprocess, embed and score, with nothing of the rest of the package.

This is the only code that a challenge submission carries, so it imports NumPy, SciPy and Pillow alone, and torch and
transformers inside the functions that need them. Training calls the same functions.
"""
