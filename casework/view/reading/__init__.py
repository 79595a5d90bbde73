"""A view from the database: one transaction, one moment."""
