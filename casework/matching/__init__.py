"""Whose accounts are these?  Candidates of all services, what speaks for and against each, and what a person says."""
