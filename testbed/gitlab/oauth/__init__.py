"""The double as a provider of OAuth 2 and OpenID Connect: how other programs sign people in, and act for them.

GitLab builds on the library Doorkeeper; errors have its names and its sentences.
"""
