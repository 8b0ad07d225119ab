"""What a cluster is made of before anything is deployed to it."""
