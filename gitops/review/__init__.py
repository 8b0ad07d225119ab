"""The review of a merge request: previews with policies, told in one note."""
