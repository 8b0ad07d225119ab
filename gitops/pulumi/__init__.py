"""The Pulumi engine as the commands use it: what it runs, what it says, and what it has recorded."""
