"""``bighpc workloads``: batch jobs from files, on a stack's cluster or on Slurm."""
