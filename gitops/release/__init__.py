"""``bighpc release``: hands a commit that passed its gate to the operator, and follows what becomes of it."""
