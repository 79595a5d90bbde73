"""The population of a period: every departure that HR reported, held against every case and what was seen closed."""
