"""A case as people and programs see it: one typed view, for the terminal, `show --json`, the record and Prefect's page."""
