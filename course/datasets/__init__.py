"""Data sets that need no download, one module each."""
