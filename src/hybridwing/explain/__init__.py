"""Why a score: the parents an image shows, and how like the training images it is."""
