"""Write the repository that the challenge asks of a participant."""
