"""Embeddings: the table, its file, and the engine that fills it."""
