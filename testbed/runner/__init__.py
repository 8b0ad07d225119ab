"""A small runner that speaks GitLab's runner protocol, for the testbed and for any other GitLab."""
