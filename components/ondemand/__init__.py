"""Open OnDemand: the clusters of a site in a browser."""
