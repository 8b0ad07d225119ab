"""Argo CD: what an installation needs, and the applications that it pulls."""
