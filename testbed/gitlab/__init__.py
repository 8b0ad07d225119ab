"""A double of GitLab for the testbed: REST API, Git over HTTP and web hooks, on SQLite and bare repositories.

It answers with GitLab's own status codes, field names, error bodies and pagination headers, so that python-gitlab and
git work against it unmodified. It is no GitLab: ``GET /-/double`` says so.
"""
