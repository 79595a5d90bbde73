"""A log with its outsiders on real sockets, for the tests of anchors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from sqlalchemy import Engine

from audit import anchors, keys, policy, tables
from audit.anchor_config import AnchorConfig
from audit.anchor_files import AnchorFiles
from audit.anchoring import AnchoringOutcome, anchor
from audit.events import EventType
from audit.keys import FileSigner
from audit.rollback_check import RollbackCheck
from audit.trail import Event, Trail
from emulators.fault_proxy import FaultProxy, served
from emulators.timestamping import Authority
from emulators.witness import Witness
from tests.audit.samples import ORIGIN, Clock, seen


@dataclass
class Port:
    """*berth* is ready for use; the outsiders and their stages can be spoiled."""

    berth: AnchorConfig
    signer: FileSigner
    clock: Clock
    authority: Authority
    authority_stage: FaultProxy
    second_stage: FaultProxy
    witness: Witness
    witness_stage: FaultProxy

    def append(self, count: int = 1, kind: str = "observe.seen") -> None:
        """Let the log grow by events of a case."""
        with self.berth.engine.begin() as connection:
            for n in range(count):
                event = (
                    seen(n) if kind == "observe.seen" else Event(EventType(kind), "case-1", "svc:test", {"count": n})
                )
                self.berth.trail.append(connection, event)

    def anchor(self, *, at_once: bool = False) -> AnchoringOutcome:
        return anchor(self.berth, at_once=at_once)

    def kept(self) -> list[anchors.Anchor]:
        with self.berth.reading() as connection:
            return list(anchors.read_all(connection, ORIGIN))

    def told(self, kind: str) -> list[dict[str, object]]:
        """Return what the log's own events of this type say."""
        with self.berth.reading() as connection:
            return [e.record for e in self.berth.trail.entries(connection, "log") if e.record["type"] == kind]


@contextmanager
def port(engine: Engine, folder: Path, *, patience: float = 10.0) -> Iterator[Port]:
    """Open a log of seven events on *engine*, whose tables are made here, with a witness and two addresses of an authority."""
    clock, signer = Clock(), keys.open_or_create(folder / "log.key", ORIGIN)
    mirror = AnchorFiles(folder / "anchors", ORIGIN)
    trail = Trail(ORIGIN, clock, skew=None, guard=RollbackCheck(mirror))
    authority = Authority(order="openssl", clock=clock)
    witness = Witness(folder / "witness", logs=(signer.verifier.vkey,))
    stages = [FaultProxy(authority.app), FaultProxy(authority.app), FaultProxy(witness.app)]
    with engine.begin() as connection:
        anchors.create(connection)
    with ExitStack() as doors:
        first, second, third = (doors.enter_context(served(stage)) for stage in stages)
        rules = policy.read(f"log {signer.verifier.vkey}\nwitness w1 {witness.vkey} {third}\nquorum w1\n")
        berth = AnchorConfig(
            engine,
            trail,
            [signer],
            mirror,
            lambda: httpx.Client(trust_env=False, timeout=10),
            rules,
            [f"{first}/", f"{second}/"],
            [authority.papers.root],
            patience=patience,
            now=clock,
        )
        made = Port(berth, signer, clock, authority, stages[0], stages[1], witness, stages[2])
        made.append(7)
        yield made


def elsewhere(engine: Engine, theirs: Port) -> AnchorConfig:
    """Return a berth of the same log on another database: a backup, or a forger's."""
    trail = Trail(ORIGIN, theirs.clock, skew=None)
    with engine.begin() as connection:
        tables.create(connection)
        anchors.create(connection)
    return replace(theirs.berth, engine=engine, trail=trail)
