"""What runs beside hostile code. It imports nothing of this package but wire and limits."""
