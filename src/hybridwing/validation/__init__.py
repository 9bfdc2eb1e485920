"""Parts of a catalogue are hidden from a detector in turn, and it is measured on them."""
