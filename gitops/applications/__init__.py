"""``bighpc applications``: what Argo CD delivers, as a page that keeps itself up to date."""
