"""Container images: built and pushed where a Docker daemon is."""
