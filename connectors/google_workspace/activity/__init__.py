"""An account's records in the Reports API: `reading` fetches them, `describing` interprets them."""
