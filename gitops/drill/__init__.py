"""Drills: break an environment on purpose, restore it the way that is always there, and measure how long that takes."""
