"""
What leaves the house for one case: a folder that an auditor verifies without us.

    folder       files written beside, listed with their digests, and put in place at once
    writing      the case, the log and the anchors, read in one state of the database

`write` is the one way in; `audit.verify` reads what it wrote.
"""

from audit.bundle.folder import BundleRefused
from audit.bundle.writing import Contents, Evidence, Seal, write

__all__ = ["BundleRefused", "Contents", "Evidence", "Seal", "write"]
