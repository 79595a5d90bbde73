"""The leaver of a case, as connectors know one."""

from __future__ import annotations

from models.tables import Case
from models.vocabulary import Leaver


def leaver_of(case: Case) -> Leaver:
    """Return the case's leaver."""
    return Leaver(**(case.leaver | {"other_emails": tuple(case.leaver.get("other_emails", ()))}))
