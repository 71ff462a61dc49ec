"""Values and calls between a process that is trusted and one that is not."""
