"""Batch jobs from one description: as Kubernetes Jobs, with Kueue or without, and as Slurm batch scripts."""
