"""Challenge submissions: checked, run as Codabench does, built from a run, published."""
