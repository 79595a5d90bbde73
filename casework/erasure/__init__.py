"""Erasure of a finished case: everything that could name a person, unless it is listed as kept; and legal holds."""
