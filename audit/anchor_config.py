"""The configuration of anchoring: the log, its signers, the witnesses and authorities, the folder of anchor files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from cryptography import x509
from sqlalchemy import Connection, Engine

from audit.anchor_files import AnchorFiles
from audit.anchor_schedule import AnchorParties, AnchorSchedule
from audit.note import Signer
from audit.policy import LogPolicy
from audit.trail import Trail


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class AnchorConfig:
    """
    The configuration of anchoring.

    *signers*: the log's key first; two during a rotation.  *policy*: None asks no witness.  *authorities*: URLs, asked in turn until
    one stamps.  *roots*: root certificates of trusted authorities.  *patience*: seconds for all witnesses together.
    """

    engine: Engine
    trail: Trail
    signers: Sequence[Signer]
    mirror: AnchorFiles
    open_client: Callable[[], httpx.Client]
    policy: LogPolicy | None = None
    authorities: Sequence[str] = ()
    roots: Sequence[x509.Certificate] = ()
    cadence: AnchorSchedule = field(default_factory=AnchorSchedule)
    patience: float = 10.0
    now: Callable[[], datetime] = _now

    @property
    def vouchers(self) -> AnchorParties:
        return AnchorParties(self.policy is not None and bool(self.policy.witnesses), bool(self.authorities))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read transaction: it sees one state of the log and takes no writers' lock."""
        with self.engine.connect().execution_options(sqlite_begin="DEFERRED") as connection, connection.begin():
            yield connection
