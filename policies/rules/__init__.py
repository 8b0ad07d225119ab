"""One rule per file, named after the resource type and the rule."""
