"""The challenge's own loop: submissions, what Codabench does with them, and what can go wrong there."""
