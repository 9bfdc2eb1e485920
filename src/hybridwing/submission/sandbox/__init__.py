"""Run a program that nobody has read, and read what it leaves behind."""
