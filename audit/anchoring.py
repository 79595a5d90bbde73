"""
Make anchors.  An anchor lets an outsider date the log and see whether it was ever rewritten.

    sign the head, ask the witnesses, freeze the note's bytes, stamp them, record the anchor in the log

Each step is stored before the next one begins, and each job first finishes what an earlier one left.  A witness or an authority
that is down, or a process that is killed, delays an anchor and never loses one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

import httpx
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from audit import anchor_schedule, anchors, checkpoint, epochs, leader_lock, note, reading, rollback_check, timestamp
from audit.anchor_config import AnchorConfig
from audit.anchor_schedule import AnchorHealth
from audit.anchors import Anchor
from audit.checkpoint import Checkpoint
from audit.cosigning import Cosignatures, CosigningRequest, gather
from audit.events import EventType
from audit.fields import Json
from audit.leaf import LOG_CASE, Event, stamp
from audit.note import NoteError
from audit.rollback_check import RollbackError, SigningStopped
from audit.timestamp import SKEW, AuthorityUnreachable, StampRefused
from audit.trail import Trail
from audit.witness import EpochRefused, ForkFound, WitnessAheadError, WitnessClient, WitnessFailed

ACTOR = "svc:anchor"
_CLOCKS = "its clock and the log's differ by more than 5 s: see which is right; the anchor waits"
BUSY, NOBODY, NOT_DUE, ASKED = "busy", "nobody_outside", "not_due", "asked"


@dataclass(frozen=True, slots=True)
class AnchoringOutcome:
    """
    What a job did.  *why*: the reason why it made an anchor, or made none.

    *made*: the new anchor, perhaps still without its stamp.  *finished*: how many earlier anchors it completed.  *problems*:
    sentences without addresses.  *complete*: there was no problem, and *made* has every signature that was asked for.
    """

    why: str
    made: Anchor | None = None
    finished: int = 0
    problems: tuple[str, ...] = ()
    complete: bool = False


def anchor(berth: AnchorConfig, *, at_once: bool = False) -> AnchoringOutcome:
    """
    Finish incomplete anchors, and make a new one if it is due; with *at_once*, even if it is not due.

    Safe to run at any time and from several processes: the leader works, the others do nothing.  Raises `SigningStopped` and
    `RollbackError`.  A witness or an authority that fails is listed in `AnchoringOutcome.problems`.
    """
    if not berth.vouchers.any:
        return AnchoringOutcome(NOBODY)
    with leader_lock.leadership(berth.engine, berth.mirror.root) as leads:
        if not leads:
            return AnchoringOutcome(BUSY)
        with berth.open_client() as client:
            return _Job(berth, client).run(at_once=at_once)


def health(berth: AnchorConfig) -> AnchorHealth:
    """Return the health of the anchors.  Reads only the database."""
    with berth.reading() as connection:
        return anchor_schedule.health(connection, berth.trail.origin, berth.now(), berth.cadence, berth.vouchers)


def compare(berth: AnchorConfig) -> tuple[str, ...]:
    """
    Compare the log with every head that has left the house: the mirrored anchors, and the heads that the witnesses keep.

    Writes nothing.  Returns a sentence for each witness that failed, or whose head belongs to an earlier epoch.  Raises
    `RollbackError` if the log lacks entries and no epoch says so, `NoteError` if a mirrored file is not a signed note.
    """
    with berth.reading() as connection, berth.open_client() as client:
        if rollback_check.RollbackCheck(berth.mirror).look(connection, strict=True) is not None:
            raise RollbackError(
                "trail: the database is older than its newest anchor, or another: a new epoch begins with the next write"
            )
        problems = []
        for witness in berth.policy.witnesses if berth.policy is not None else ():
            try:
                held = WitnessClient(client, witness).latest(berth.trail.origin) if witness.url is not None else None
            except WitnessFailed as exc:
                problems.append(str(exc))
                continue
            if held is not None:
                rollback_check.require(connection, held[0])
                if not rollback_check.continues(connection, held[0]):
                    problems.append(str(EpochRefused(witness.name, held[0].size)))
    return tuple(problems)


def clear(connection: Connection, trail: Trail, by: str, reason: str, actor: str) -> int:
    """
    Clear all alarms because the person *by* says that signing may go on, and record it in the log.  Return how many there were.

    *actor*: the person's random reference.  Name and reason go to the payload.
    """
    cleared = anchors.clear_alarms(connection, trail.origin, by, reason, trail.clock())
    if cleared:
        event = Event(EventType.ANCHOR_CLEARED, LOG_CASE, actor, {"count": cleared})
        trail.append(connection, event, {"by": by, "reason": reason})
    return cleared


class _Job:
    """One run of the anchor job, in the process that is the leader."""

    def __init__(self, berth: AnchorConfig, client: httpx.Client) -> None:
        self._berth = berth
        self._client = client
        self._origin = berth.trail.origin
        self._problems: list[str] = []

    def run(self, *, at_once: bool) -> AnchoringOutcome:
        self._begin_epoch()
        with self._berth.reading() as connection:
            self._require_sound(connection)
            waiting = anchors.unrecorded(connection, self._origin)
        finished = self._finish_those(waiting)
        why, head, old = self._what_is_due(at_once=at_once)
        made = self._make(head, old) if head is not None else None
        complete = not self._problems and (made is None or self._berth.vouchers.complete(made))
        return AnchoringOutcome(why, made, finished, tuple(self._problems), complete)

    def _finish_those(self, waiting: list[Anchor]) -> int:
        """Finish the oldest first and stop at the first that has to wait on; return how many were finished."""
        for count, left in enumerate(waiting):
            if self._finish(left).recorded_idx is None:
                return count
        return len(waiting)

    def _require_sound(self, connection: Connection) -> None:
        """Raise `SigningStopped` after an alarm, `RollbackError` if the log does not continue its newest anchor."""
        raised = anchors.alarms(connection, self._origin)
        if raised:
            names = ", ".join(sorted({alarm.witness for alarm in raised}))
            raise SigningStopped(f"anchor: cannot sign: witness {names} knows another history of the log")
        last = anchors.newest(connection, self._origin)
        if last is not None:
            rollback_check.require(connection, Checkpoint.parse(note.split(last.note)[0]))
            self._berth.mirror.keep(last, epochs.name(connection))

    def _begin_epoch(self) -> None:
        """Begin a new epoch if the log lacks entries that have left the house, unless an epoch says so already."""
        guard = rollback_check.RollbackCheck(self._berth.mirror)
        with self._berth.reading() as connection:
            if guard.look(connection) is None:
                return
        with self._berth.engine.begin() as connection:
            replace(self._berth.trail, guard=guard).append_many(connection, [])

    def _keep(self, anchor: Anchor) -> None:
        self._berth.mirror.keep(anchor, self._epoch())

    def _epoch(self) -> str:
        with self._berth.reading() as connection:
            return epochs.name(connection)

    def _what_is_due(self, *, at_once: bool) -> tuple[str, Checkpoint | None, int]:
        """Return the reason, the head to anchor or None, and the size of the newest anchor (0 without one)."""
        berth = self._berth
        with berth.reading() as connection:
            size = berth.trail.size(connection)
            last = anchors.newest(connection, self._origin)
            old = 0 if last is None else last.size
            due = anchor_schedule.due(connection, self._origin, berth.now(), berth.cadence, berth.vouchers)
            if size == old or (due is None and not at_once):
                return NOT_DUE, None, old
            return due or ASKED, Checkpoint(self._origin, size, berth.trail.root(connection, size)), old

    def _make(self, head: Checkpoint, old: int) -> Anchor | None:
        """Make the anchor of one head.  Return None if another process has frozen the same head."""
        signed = checkpoint.sign(head, self._berth.signers)
        frozen = signed + self._cosignatures(head, signed, old)
        names, quorum = self._counted(frozen)
        made = Anchor(self._origin, head.size, frozen, names, quorum, self._berth.now())
        try:
            with self._berth.engine.begin() as connection:
                anchors.freeze(connection, made)
        except IntegrityError:
            return None
        self._keep(made)
        return self._finish(made)

    def _cosignatures(self, head: Checkpoint, signed: bytes, old: int) -> bytes:
        """Return the lines of the witnesses that answered in time."""
        berth = self._berth
        if berth.policy is None:
            return b""
        with berth.reading() as connection:
            gaps = epochs.told(connection)
        submission = CosigningRequest(
            head,
            signed,
            old,
            lambda start: self._prove(start, head.size),
            lambda size: any(gap.explains(size) for gap in gaps),
        )
        try:
            gathered: Cosignatures = gather(self._client, berth.policy.witnesses, submission, berth.patience)
        except (ForkFound, WitnessAheadError) as exc:
            self._stop_signing(exc, head, signed)
        self._problems += gathered.problems
        return "".join(map(note.write_line, gathered.lines)).encode()

    def _prove(self, old: int, new: int) -> list[bytes]:
        with self._berth.reading() as connection:
            return self._berth.trail.consistency(connection, old, new)

    def _counted(self, frozen: bytes) -> tuple[tuple[str, ...], bool]:
        policy = self._berth.policy
        if policy is None:
            return (), False
        names = tuple(policy.cosigned_by(frozen))
        return names, policy.satisfied(names)

    def _finish(self, anchor: Anchor) -> Anchor:
        """Stamp, mirror and record the anchor.  Stops, and logs it once, while no authority gives a stamp."""
        if self._berth.authorities and anchor.tsr is None:
            anchor = self._stamped(anchor)
            if anchor.tsr is None:
                self._tell_of_failure(anchor.size, anchor.checkpoint_sha256, "no_stamp")
                return anchor
        self._keep(anchor)  # again: the process that stamped it may have been killed before it did this
        return self._recorded(anchor)

    def _stamped(self, anchor: Anchor) -> Anchor:
        """Ask one authority after the other for a stamp over the frozen bytes, and store the first good one at once."""
        for number, url in enumerate(self._berth.authorities, start=1):
            try:
                tsr, told = timestamp.ask(self._client, url, anchor.note, self._berth.roots)
            except (AuthorityUnreachable, StampRefused) as exc:
                self._problems.append(f"authority {number}: {exc}")
                if isinstance(exc, StampRefused) and exc.response:
                    self._berth.mirror.keep_refused(anchor.size, exc.response, self._epoch())
                continue
            if not self._fits(anchor, told.gen_time):
                self._problems.append(f"authority {number}: {_CLOCKS}")
                continue
            with self._berth.engine.begin() as connection:
                anchors.stamp(connection, anchor, tsr, told.gen_time)
            return replace(anchor, tsr=tsr, tsa_time=told.gen_time)
        return anchor

    def _fits(self, anchor: Anchor, gen_time: datetime) -> bool:
        """
        Return whether the stamp's time is between the newest entry that it covers and now, within `SKEW`.

        A stamp of another time would stay in the log for ever, and no bundle would pass steps 11 and 13 again.
        """
        with self._berth.reading() as connection:
            (last,) = reading.entries(connection, start=anchor.size - 1, end=anchor.size)
        written = datetime.fromisoformat(last.record["time"])
        return written <= gen_time + SKEW and gen_time <= self._berth.trail.clock() + SKEW

    def _recorded(self, anchor: Anchor) -> Anchor:
        """Append the event that records the anchor: each entry after it is younger than the anchor's stamp."""
        root = note.split(anchor.note)[0].split("\n")[2]
        said: dict[str, Json] = {"size": anchor.size, "root": root, "checkpoint_sha256": anchor.checkpoint_sha256}
        said |= {"count": len(anchor.witnesses), "quorum": anchor.quorum, "tsr_sha256": anchor.tsr_sha256}
        said["tsa_time"] = None if anchor.tsa_time is None else stamp(anchor.tsa_time)
        with self._berth.engine.begin() as connection:
            event = Event(EventType.ANCHOR_RECORDED, LOG_CASE, ACTOR, said)
            entry = self._berth.trail.append(connection, event, dedup_key=f"anchor:{self._origin}:{anchor.size}")
            anchors.record(connection, anchor, entry.idx)
        return replace(anchor, recorded_idx=entry.idx)

    def _tell_of_failure(self, size: int, checkpoint_sha256: str, reason: str) -> None:
        """Record once in the log that an anchor failed: without it, missing anchors would look like an idle log."""
        said: dict[str, Json] = {"size": size, "checkpoint_sha256": checkpoint_sha256, "reason": reason}
        with self._berth.engine.begin() as connection:
            event = Event(EventType.ANCHOR_FAILED, LOG_CASE, ACTOR, said)
            self._berth.trail.append(connection, event, dedup_key=f"anchor:{self._origin}:{size}:{reason}")

    def _stop_signing(self, seen: ForkFound | WitnessAheadError, head: Checkpoint, signed: bytes) -> NoReturn:
        """
        Raise an alarm and stop.  If the witness shows a larger head that our own key signed, entries were lost: begin a new epoch
        instead, and the next job goes on in it.
        """
        if isinstance(seen, WitnessAheadError) and self._keep_head_of(seen.witness):
            self._begin_epoch()
            raise RollbackError(f"anchor: cannot sign: {seen}: the database was restored from a backup") from seen
        with self._berth.engine.begin() as connection:
            anchors.raise_alarm(connection, self._origin, seen.witness, signed, self._berth.now())
        self._tell_of_failure(head.size, hashlib.sha256(signed).hexdigest(), "fork")
        raise SigningStopped(f"anchor: cannot sign: {seen}") from seen

    def _keep_head_of(self, name: str) -> bool:
        """Mirror the witness's newest head if our own key has signed it; return whether it has."""
        witness = next(one for one in (self._berth.policy.witnesses if self._berth.policy else ()) if one.name == name)
        try:
            held = WitnessClient(self._client, witness).latest(self._origin)
            if held is not None:
                note.open_note(held[1], [signer.verifier for signer in self._berth.signers])
                self._berth.mirror.keep_note(held[0].size, held[1], self._epoch())
        except (WitnessFailed, NoteError) as exc:
            self._problems.append(str(exc))
            return False
        return held is not None
