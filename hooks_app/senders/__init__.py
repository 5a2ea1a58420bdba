"""How each kind of place is told, and what came of it."""
