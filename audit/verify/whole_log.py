"""
Steps 6, 7, 11, 12 and 13, in one pass over the whole log, line by line.

Each step is a watch that sees every line.  A watch that finds a fault stops; the others go on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from audit import bundle_paths, fields
from audit import leaf as leaves
from audit.checkpoint import Checkpoint
from audit.epochs import Gap
from audit.events import EventType
from audit.keyring import Keyring
from audit.leaf import FRAME, LONGEST, LeafError, stamp
from audit.merkle import Frontier
from audit.note import NoteError, open_note
from audit.timestamp import SKEW
from audit.verify.folder import Bundle
from audit.verify.report import UNFIT, BundleError, UnreadableBundle, VerifyStep
from audit.verify.trust import Trust

LONGEST_LAG = timedelta(hours=26)
"""A day, because even a quiet log is anchored daily, and two hours in case the authority is down.  A choice."""
CHECKPOINT, ENTRIES = "checkpoint", "entries.jsonl"
_EVERY = 5_000
_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the log: its index, its bytes, its fields, and the tree up to and with it."""

    idx: int
    leaf: bytes
    said: dict[str, Any]
    tree: Frontier

    @property
    def name(self) -> str:
        """The entry's line number for people, from 1."""
        return f"line {self.idx + 1}"


class LineCheck(Protocol):
    """One step that needs every line.  `see` and `end` raise `BundleError`; `end` returns what the step saw, as text."""

    step: VerifyStep

    def see(self, line: LogLine) -> None: ...

    def end(self, tree: Frontier) -> str: ...


def walk(
    bundle: Bundle, watches: list[LineCheck], progress: Callable[[int, int], object] | None
) -> dict[VerifyStep, str | BundleError]:
    """Pass every line to every watch; return for each step what it saw, or its fault."""
    found: dict[VerifyStep, str | BundleError] = {}
    watching, tree = list(watches), Frontier()
    try:
        total = bundle.head().size
        for line in read_log(lambda: bundle.opened(bundle_paths.ENTRIES), tree):
            watching = [watch for watch in watching if _goes_on(found, watch, line)]
            if progress is not None and (tree.size % _EVERY == 0 or tree.size == total):
                progress(tree.size, total)
    except BundleError as fault:
        return found | dict.fromkeys((watch.step for watch in watching), fault)
    for watch in watching:
        try:
            found[watch.step] = watch.end(tree)
        except BundleError as fault:
            found[watch.step] = fault
    return found


def _goes_on(found: dict[VerifyStep, str | BundleError], watch: LineCheck, line: LogLine) -> bool:
    try:
        watch.see(line)
    except BundleError as fault:
        found[watch.step] = fault
        return False
    except UNFIT as exc:
        found[watch.step] = BundleError(
            bundle_paths.ENTRIES, f"{line.name} lacks a field of its type: {type(exc).__name__}"
        )
        return False
    return True


def read_log(opened: Callable[[], Any], tree: Frontier) -> Iterator[LogLine]:
    """Stream the log and add each leaf to *tree*.  Raises `BundleError` for a line that is not one leaf and its newline."""
    with opened() as file:
        while raw := file.readline(LONGEST + 2):
            if not raw.endswith(b"\n"):
                raise BundleError(bundle_paths.ENTRIES, f"line {tree.size + 1} is cut off or too long")
            leaf = raw[:-1]
            said = _said(leaf, tree.size)
            tree.add(leaf)
            yield LogLine(tree.size - 1, leaf, said, tree)


def read_folder(folder: Path, trust: Trust, see: Callable[[LogLine], object]) -> tuple[Checkpoint, bool]:
    """
    Pass every line of a log in *folder* to *see* (`checkpoint` and `entries.jsonl`: a bundle's `log/`, or `lastday trail export`).

    Returns the head, signed by one of the log's keys, and whether enough witnesses of *trust* have cosigned it.  Raises `BundleError` if
    the entries do not match the head, and `UnreadableBundle` if a file cannot be read.
    """
    tree, keys = Frontier(), Keyring()
    try:
        note = (folder / CHECKPOINT).read_bytes()
        signed = open_note(note, trust.logs)
        head = Checkpoint.parse(signed.text)
        cosigned = trust.policy.satisfied(trust.policy.cosigned_by(note))
        for line in read_log(lambda: (folder / ENTRIES).open("rb"), tree):
            keys.see(line.idx, line.said)
            see(line)
    except NoteError as exc:
        raise BundleError(CHECKPOINT, str(exc)) from exc
    except OSError as exc:
        raise UnreadableBundle(f"log: cannot read {Path(exc.filename or '').name}: {exc.strerror}") from exc
    except UNFIT as exc:
        raise BundleError(ENTRIES, f"line {tree.size} lacks a field of its type: {type(exc).__name__}") from exc
    if (head.size, head.root) != (tree.size, tree.root()):
        raise BundleError(ENTRIES, "it is not the log of its checkpoint")
    if (objection := keys.objection_to_all(signed.signed_by, head.size, None)) is not None:
        raise BundleError(CHECKPOINT, objection)
    return head, cosigned


def _said(leaf: bytes, idx: int) -> dict[str, Any]:
    """Read a leaf.  Python's own JSON with sorted keys equals RFC 8785 for nearly every leaf, and is many times faster."""
    try:
        said: dict[str, Any] = json.loads(leaf)
        again = _PLAIN.encode(said).encode()
        if again == leaf and said.keys() >= FRAME and said["v"] == leaves.VERSION:
            return said
        return leaves.read(leaf)
    except (ValueError, TypeError, AttributeError, RecursionError, LeafError) as exc:
        raise BundleError(bundle_paths.ENTRIES, f"line {idx + 1} is not a leaf in canonical form") from exc


@dataclass(slots=True)
class PrefixCheck:
    """Step 6: the root in each anchor is that of the log's first *size* lines."""

    bundle: Bundle
    step: VerifyStep = VerifyStep.PREFIXES
    waiting: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = self.bundle.sizes[::-1]

    def see(self, line: LogLine) -> None:
        if not self.waiting or self.waiting[-1] != line.idx + 1:
            return
        path = bundle_paths.anchored(self.waiting.pop())
        if self.bundle.signed(path).root != line.tree.root():
            raise BundleError(path, "the log is not the one that it was taken of")

    def end(self, tree: Frontier) -> str:
        for size in reversed(self.waiting):
            raise BundleError(bundle_paths.anchored(size), f"the log has only {tree.size} entries")
        return f"{len(self.bundle.sizes)} anchors"


@dataclass(slots=True)
class CompletenessCheck:
    """Step 7: the log's events of this case are all the files under `events/`, in order, byte for byte."""

    bundle: Bundle
    case: str
    step: VerifyStep = VerifyStep.COMPLETENESS
    seen: int = 0
    first: int | None = None
    closed: int | None = None

    def see(self, line: LogLine) -> None:
        if line.said["case"] != self.case:
            return
        self.first = line.idx if self.first is None else self.first
        path = bundle_paths.event(self.seen)
        if path not in self.bundle.paths:
            raise BundleError(path, f"it is missing: {bundle_paths.ENTRIES} has it in {line.name}")
        if self.bundle.whole(path) != line.leaf:
            raise BundleError(path, f"it is not {line.name} of {bundle_paths.ENTRIES}")
        if f"index {line.idx}".encode() not in self.bundle.whole(path + bundle_paths.PROOF).split(b"\n", 2)[:2]:
            raise BundleError(path + bundle_paths.PROOF, f"it proves another place than {line.name}")
        if line.said["type"] == EventType.CASE_CLOSED:
            self.closed = self.seen
        self.seen += 1

    def end(self, tree: Frontier) -> str:
        if self.seen != self.bundle.events or self._others():
            path = min(self._others(), default=bundle_paths.event(self.seen))
            raise BundleError(path, f"{bundle_paths.ENTRIES} has {self.seen} events of this case")
        closed = "not closed" if self.closed is None else f"closed by event {self.closed}"
        return f"{self.seen} events of {tree.size} entries, {closed}"

    def _others(self) -> set[str]:
        """Return the paths under `events/` and `payloads/` that belong to no event."""
        own = (bundle_paths.event(seq) for seq in range(self.seen))
        known = {form for path in own for form in (path, path + bundle_paths.PROOF, path + bundle_paths.SPICY)}
        known |= {path for seq in range(self.seen) for path in (bundle_paths.payload(seq), bundle_paths.salt(seq))}
        return {path for path in self.bundle.paths - known if path.startswith(("events/", "payloads/"))}


@dataclass(slots=True)
class DateCheck:
    """Step 11: times never decrease, and no entry from an anchor's row on has a time before that anchor's stamp."""

    bundle: Bundle
    step: VerifyStep = VerifyStep.DATES
    time: str = ""
    floor: str = ""

    def see(self, line: LogLine) -> None:
        time = line.said["time"]
        if not fields.time(time):  # other forms of a time do not sort in the order of time
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} has a time that is not of the one form")
        if time < self.time:
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} is dated before the line before it")
        if self.bundle.trust.roots and line.said["type"] == EventType.ANCHOR_RECORDED and "tsr_sha256" in line.said:
            self.floor = max(self.floor, stamp(self._stamped(line) - SKEW))
        if time < self.floor:
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} is dated before the anchor that precedes it")
        self.time = time

    def _stamped(self, line: LogLine) -> datetime:
        size = line.said["size"]
        found = self.bundle.stamps.get(size)
        if found is None:
            raise BundleError(bundle_paths.stamped(size), f"{line.name} rests on it, and it shows no time")
        if stamp(found.gen_time) != line.said.get("tsa_time"):
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} has another time than the stamp of its anchor")
        return found.gen_time

    def end(self, tree: Frontier) -> str:
        unasked = "" if self.bundle.trust.roots else ", held against no stamp: none is asked for"
        return f"{tree.size} entries, the last {self.time}{unasked}"


@dataclass(slots=True)
class LogCheck:
    """
    Step 12: every line belongs to this log, all lines lead to the signed root, and the bundle has the anchors that the log records.

    By the log's own record of its keys, the head must have a signature that counts.  An earlier anchor's signature may no longer
    count (its key was stolen before anybody knew): the head then proves that anchor, and its stamp still dates it.
    """

    bundle: Bundle
    step: VerifyStep = VerifyStep.WHOLE
    told: set[int] = field(default_factory=set)
    keys: Keyring = field(default_factory=Keyring)
    gaps: list[Gap] = field(default_factory=list)

    def see(self, line: LogLine) -> None:
        said = line.said
        if said["log"] != self.bundle.trust.logs[0].name:
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} belongs to another log")
        self.keys.see(line.idx, said)
        if said["type"] == EventType.TRAIL_EPOCH:
            self.gaps.append(Gap.of(line.idx, said))
        if said["type"] == EventType.ANCHOR_RECORDED:
            self._anchor(said)

    def _anchor(self, said: dict[str, Any]) -> None:
        """Check one recorded anchor.  An anchor without a stamp may be missing: it proves no time, and a later head covers it."""
        size = said["size"]
        note, tsr = (bundle_paths.anchored(size), "checkpoint_sha256"), (bundle_paths.stamped(size), "tsr_sha256")
        if "tsr_sha256" not in said and note[0] not in self.bundle.paths:
            return
        if "tsr_sha256" not in said and tsr[0] in self.bundle.paths:
            raise BundleError(tsr[0], "the log records this anchor without its stamp")
        for path, name in (note, tsr) if "tsr_sha256" in said else (note,):
            if hashlib.sha256(self.bundle.whole(path)).hexdigest() != said[name]:
                raise BundleError(path, "it is not the anchor that the log records")
        self.told.add(size)

    def end(self, tree: Frontier) -> str:
        head = self.bundle.signed()
        if (tree.size, tree.root()) != (head.size, head.root):
            raise BundleError(
                bundle_paths.ENTRIES, f"its {tree.size} lines do not lead to the root of {bundle_paths.CHECKPOINT}"
            )
        for size in self.bundle.sizes:
            if size not in self.told and size != head.size:
                raise BundleError(bundle_paths.anchored(size), "the log does not record this anchor")
        objections = {size: self._objection(size) for size in self.bundle.sizes}
        if objections.get(head.size) is not None:
            raise BundleError(bundle_paths.CHECKPOINT, f"its signature counts for nothing: {objections[head.size]}")
        void = sum(found is not None for found in objections.values())
        resting = f", {void} anchors signed by a lost key alone rest on the head" if void else ""
        return f"{tree.size} entries, root {tree.root().hex()}{resting}"

    def _objection(self, size: int) -> str | None:
        found = self.bundle.stamps.get(size)
        signed_by = self.bundle.signed_by(bundle_paths.anchored(size))[1]
        return self.keys.objection_to_all(signed_by, size, None if found is None else found.gen_time)


@dataclass(slots=True)
class LagCheck:
    """Step 13: the longest time from an event to the first stamp that covers it."""

    bundle: Bundle
    longest: timedelta
    step: VerifyStep = VerifyStep.LAG
    worst: timedelta = timedelta(0)
    oldest: str | None = None

    def see(self, line: LogLine) -> None:
        self.oldest = min(self.oldest or line.said["time"], line.said["time"])
        found = self.bundle.stamps.get(line.idx + 1)
        if found is None:
            return
        if line.said["time"] > stamp(found.gen_time + SKEW):
            raise BundleError(bundle_paths.ENTRIES, f"{line.name} is dated after the stamp that covers it")
        lag = found.gen_time - datetime.fromisoformat(self.oldest)
        if lag > self.longest:
            raise BundleError(
                bundle_paths.stamped(line.idx + 1), f"what it covers lay unsealed for {lag}, longer than {self.longest}"
            )
        self.worst, self.oldest = max(self.worst, lag), None

    def end(self, tree: Frontier) -> str:
        if not self.bundle.trust.roots:
            return "not measured: no stamp is asked for"
        if self.oldest is not None:
            raise BundleError(bundle_paths.ENTRIES, f"the last of its {tree.size} lines are under no stamp")
        return f"at most {self.worst.total_seconds():.0f} s"
