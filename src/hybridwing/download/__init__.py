"""Fetch a catalogue's photographs: verified, resumable, polite; see :func:`hybridwing.download.fetch.download`."""
