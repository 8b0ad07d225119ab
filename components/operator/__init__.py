"""The Pulumi Kubernetes Operator: what runs an environment's stack when a commit is released."""
