"""What the platform is made of: a package per system with its components, and the pure modules that all share."""
