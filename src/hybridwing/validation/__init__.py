"""What is hidden from a detector in turn, and what it finds of it."""
