"""The population of a period: every departure that HR reported, compared with the cases and what was seen closed."""
