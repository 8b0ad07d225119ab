"""Serves the policy pack; the rules are in ``policies.pack``, where tests can import them."""

from pulumi_policy import PolicyPack

from policies.pack import NAME, RULES

PolicyPack(NAME, policies=list(RULES))
