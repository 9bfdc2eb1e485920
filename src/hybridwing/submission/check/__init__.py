"""What would fail on Codabench, found before the upload."""
