"""Drift: where program, recorded state and reality say different things."""
