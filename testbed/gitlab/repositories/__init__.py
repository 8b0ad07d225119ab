"""Bare Git repositories: reading, committing, rules about pushes, Git over HTTP."""
