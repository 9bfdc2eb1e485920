"""What stands behind a score: the parents that an image shows, and how typical of the training images it is."""
