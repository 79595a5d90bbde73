"""The evidence store: `save`, `open`, `list` and `erase` of a case's files, encrypted under the case's own key."""

from casework.evidence.errors import Damaged, Erased, EvidenceError, InUse, Missing
from casework.evidence.keys import FileMasterKey, KeyFile, MasterKey, open_or_create
from casework.evidence.store import EvidenceStore, Growing, StoredEvidence

__all__ = [
    "Damaged",
    "Erased",
    "EvidenceError",
    "EvidenceStore",
    "FileMasterKey",
    "Growing",
    "InUse",
    "KeyFile",
    "MasterKey",
    "Missing",
    "StoredEvidence",
    "open_or_create",
]
