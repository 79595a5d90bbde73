"""
Exchanges with a vendor, as a leaf binds them: their count and one root over all of them.

The list itself is in the payload under `exchanges`.  Each entry, in canonical JSON, is a leaf of an RFC 6962 tree.
Once the payload is erased, the list is gone, and the root reveals nothing about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.fields import Json
from audit.leaf import canonical
from audit.merkle import Frontier

IN_PAYLOAD = "exchanges"


def bind(exchanges: Sequence[Mapping[str, Json]]) -> dict[str, Json] | None:
    """Return a leaf's field for *exchanges*: `{count, root}`, root in hexadecimal; None if there are no exchanges."""
    if not exchanges:
        return None
    tree = Frontier()
    for one in exchanges:
        tree.add(canonical(dict(one)))
    return {"count": tree.size, "root": tree.root().hex()}
