"""What a collection cannot support: confounding, leaks, doubtful labels and too few hybrids."""
