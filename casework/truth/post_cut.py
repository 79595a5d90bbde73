"""What happened after the cut: kept by kind and account, until a named person has answered for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session, select

from casework.context import Context
from models.tables import Attestation, PostCutActivity
from models.vocabulary import ActivityKind, ConnectionId, FindingKind

KEY = "after_cut"
"""What is attested, in an entitlement's place: `after_cut:connection:account:kind`."""


@dataclass(slots=True)
class Times:
    """How often, and when first and last."""

    count: int
    first_at: datetime
    last_at: datetime

    def add(self, at: datetime) -> None:
        self.count += 1
        self.first_at, self.last_at = min(self.first_at, at), max(self.last_at, at)


def key_of(row: PostCutActivity) -> str:
    prefix = KEY if row.finding is FindingKind.ACTIVITY_AFTER_CUT else str(row.finding)
    return f"{prefix}:{row.connection}:{row.account_id}:{row.kind}"


def is_key(text: str) -> bool:
    """Whether *text* names something of ours, and no entitlement."""
    return text.split(":", 1)[0] in {KEY, str(FindingKind.RE_ENTRY)}


def find(session: Session, case_id: str, key: str) -> PostCutActivity | None:
    return next((row for row in _rows(session, case_id) if key_of(row) == key), None)


def keep(  # noqa: PLR0913  # one account's aftermath, each part by name
    context: Context,
    session: Session,
    case_id: str,
    *,
    finding: FindingKind,
    connection: ConnectionId,
    account_id: str,
    heard: Mapping[ActivityKind, Times],
    effective_by: datetime | None,
) -> None:
    """Write what was heard of one account; what was known already stays as it is, and what grew is news."""
    for kind, times in heard.items():
        known = session.get(PostCutActivity, (case_id, finding, connection, account_id, kind))
        if known is None or known.count < times.count:
            row = PostCutActivity(
                case_id=case_id, finding=finding, connection=connection, account_id=account_id, kind=kind,
                cut_effective_by=effective_by, seen_at=context.now(), **asdict(times),
            )  # fmt: skip
            session.merge(row)


def unanswered(session: Session, case_id: str) -> list[PostCutActivity]:
    """Return what nobody has answered for since it was last seen to grow."""
    attested = session.exec(select(Attestation).where(Attestation.case_id == case_id)).all()
    answers = {(one.entitlement_id, one.attested_at) for one in attested}
    return [
        row for row in _rows(session, case_id)
        if not any(key == key_of(row) and at >= row.seen_at for key, at in answers)
    ]  # fmt: skip


def _rows(session: Session, case_id: str) -> Sequence[PostCutActivity]:
    return session.exec(select(PostCutActivity).where(PostCutActivity.case_id == case_id)).all()
