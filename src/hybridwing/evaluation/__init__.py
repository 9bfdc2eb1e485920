"""How good a hybrid score is: the challenge's official score and plain detection metrics."""
