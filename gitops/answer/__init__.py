"""Answers to what people ask in the discussions of merge requests."""
