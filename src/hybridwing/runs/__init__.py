"""One training's folder of artefacts, and what is done with it: train, evaluate, predict."""
