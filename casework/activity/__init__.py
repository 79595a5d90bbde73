"""The vendors' own logs of a leaver's activity: collect them, state how complete they are, summarise and show them."""
