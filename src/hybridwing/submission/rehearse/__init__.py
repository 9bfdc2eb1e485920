"""Run a submission as Codabench does."""
