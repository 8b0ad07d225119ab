"""The quality gates: a CrossGuard policy pack."""
