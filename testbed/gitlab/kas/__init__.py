"""The double's agent server: it carries requests to the cluster's API, as the service account of an agent.

GitLab runs the agent server (KAS) as a process of its own, and so do we: it knows what GitLab's API tells it, no more.
"""
