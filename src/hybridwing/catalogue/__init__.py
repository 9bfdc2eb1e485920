"""The catalogue: one validated table of specimens, whatever spreadsheet it came from."""
