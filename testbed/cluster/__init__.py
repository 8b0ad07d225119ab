"""The Kubernetes control plane and its services, as host processes."""
