"""Turn a run into a submission."""
