"""Fetching the photographs of a catalogue: verified, resumable, and polite to each host."""
