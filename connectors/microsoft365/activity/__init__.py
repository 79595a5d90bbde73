"""An account's activity, from the tenant's own logs."""
