"""Monitoring: what is scraped, what alerts, and what people look at."""
