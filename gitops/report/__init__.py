"""``bighpc report``: what runs where."""
