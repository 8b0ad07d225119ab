"""What people and pipelines run: the ``bighpc`` command."""
