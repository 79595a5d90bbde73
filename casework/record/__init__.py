"""
What is known of one case, gathered for those who read it later: from the tables, and from the trail that proves them.

    facts        the frozen values that pages are made of
    accounting   due, commanded, effective cut-off, exposure: per account
    telling      the case's events, and who asked, approved and signed
    gathering    all of it, in one reading transaction
"""

from casework.record.facts import Facts, Proof
from casework.record.gathering import gather

__all__ = ["Facts", "Proof", "gather"]
