"""Merge requests at work: following branches, checking whether one may be merged, merging."""
