"""What every endpoint shares: routing, parameters, authentication, permissions, pagination, errors, rendering."""
