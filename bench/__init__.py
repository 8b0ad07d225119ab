"""Measurements of the platform, each a module to run: ``python -m bench.preview``."""
