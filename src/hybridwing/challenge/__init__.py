"""The challenge's loop: build a submission from a run, check it, run it as Codabench does, publish it, compare."""
