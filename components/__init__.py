"""What the platform is made of: one component per file, and the pure modules that they and the policies share."""
