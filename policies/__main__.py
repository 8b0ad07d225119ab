"""Serves the policy pack; the rules are in ``policies.pack``, where tests can import them."""

import os

from policies.gate import Gate, serve
from policies.pack import NAME, RULES, circumstances

serve(Gate(NAME, RULES, circumstances(os.environ.get("PULUMI_STACK", ""))))
