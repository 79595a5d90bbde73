"""Shared parts of the connectors: exchanges, evidence, errors, retries, rate limits, paging, and checks of answers."""
