"""The view of a case: one typed form for the terminal, `show --json`, the record and Prefect's page."""
