"""Matching: candidate accounts in all services, the facts for and against each, and people's answers."""
