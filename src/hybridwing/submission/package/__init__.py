"""A submission's files, read and never run."""
