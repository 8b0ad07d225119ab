"""The embedded ``gitlab`` provider: a double of ``pulumi-resource-gitlab`` where the published one cannot be had.

It speaks Pulumi's provider protocol for the resources in `testbed.provider.table`, with the names of the published
schema, and keeps them in a GitLab through its REST API. Whatever it does not know it refuses.
"""
