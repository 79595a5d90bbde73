"""Pages for HR, auditors and whoever opens a record: they show what casework knows, and decide nothing."""
