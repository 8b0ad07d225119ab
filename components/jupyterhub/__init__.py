"""An environment's JupyterHub: notebooks on the cluster, for people who sign in with GitLab."""
