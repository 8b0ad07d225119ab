"""Simulated nodes in the shape of the hardware that environments declare.

The platform writes down what hardware an environment has in a ConfigMap of its namespace. At a site the nodes
are there; here a process makes those that are not, so that a push which changes a profile changes the nodes.
"""
