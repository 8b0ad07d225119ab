"""Promotion: what ran in one environment is proposed to the next, with the evidence."""
