"""What a cell of a notebook is, and which of a student's text is kept."""
