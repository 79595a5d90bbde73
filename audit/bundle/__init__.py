"""
The bundle of one case: a folder that an auditor verifies without us.

    folder       writes the files to a draft beside the target, lists their digests, renames it into place
    writing      reads the case, the log and the anchors in one state of the database

Use only `write`; `audit.verify` reads what it wrote.
"""

from audit.bundle.folder import BundleRefused
from audit.bundle.writing import BoundFile, BundleContents, CertificateParties, write

__all__ = ["BoundFile", "BundleContents", "BundleRefused", "CertificateParties", "write"]
