"""
Exchanges with a vendor, as a leaf binds them: how many, and one root over them, however many there were.

The list itself stands in the payload under `exchanges`; each entry is a leaf of an RFC 6962 tree, in its canonical JSON.
Erased with the payload, it is gone, and the root tells nobody what it was over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.fields import Json
from audit.leaf import canonical
from audit.merkle import Frontier

IN_PAYLOAD = "exchanges"


def bind(exchanges: Sequence[Mapping[str, Json]]) -> dict[str, Json] | None:
    """Return what a leaf says of *exchanges*: `{count, root}`, None for none."""
    if not exchanges:
        return None
    tree = Frontier()
    for one in exchanges:
        tree.add(canonical(dict(one)))
    return {"count": tree.size, "root": tree.root().hex()}
