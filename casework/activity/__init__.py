"""What the vendors' own logs tell of a leaver: collected, stated, summarised, shown."""
