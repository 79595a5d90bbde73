"""
The twelve attacks of the design (shared reference, section 5.7), each really carried out on a sound bundle.

The operator's attacks are made with the operator's own keys, through the same code that makes honest bundles.  What the operator
does not have: the witness's key, and an authority that would give an old time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit import bundle_paths, certificate, checkpoint
from audit.certificate import CERTIFIED, CertificateStatement, former_of, read_claim
from audit.checkpoint import Checkpoint
from audit.keys import open_or_create
from audit.leaf import canonical
from audit.merkle import Frontier, inclusion
from audit.note import Signer
from audit.tlogproof import Proof, parse
from tests.audit.house import CASE, OTHERS, House
from tests.audit.samples import ORIGIN


@dataclass(frozen=True, slots=True)
class Attack:
    """What is done to the bundle's *folder*, and the *steps* of docs/verify.md that must notice."""

    make: Callable[[House, Path], object]
    steps: frozenset[int]


def _sums(folder: Path) -> None:
    """List every file anew."""
    apart = {bundle_paths.SUMS, bundle_paths.CERTIFICATE}
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    lines = [f"{hashlib.sha256((folder / p).read_bytes()).hexdigest()}  {p}\n" for p in paths if p not in apart]
    (folder / bundle_paths.SUMS).write_text("".join(lines))


def _edit_event(house: House, folder: Path) -> None:
    path = folder / bundle_paths.event(2)
    path.write_bytes(path.read_bytes().replace(b'"kind":"session"', b'"kind":"sign_in"'))


def _edit_event_and_sums(house: House, folder: Path) -> None:
    _edit_event(house, folder)
    _sums(folder)


def _swap_evidence(house: House, folder: Path) -> None:
    (folder / "evidence/downloads.jsonl.zst").write_bytes(b"nothing was downloaded")
    _sums(folder)


def _remove_last(house: House, folder: Path) -> None:
    last = len(list((folder / "events").glob("*.json"))) - 1
    for form in ("", bundle_paths.PROOF, bundle_paths.SPICY):
        (folder / (bundle_paths.event(last) + form)).unlink()
    for path in (bundle_paths.payload(last), bundle_paths.salt(last)):
        (folder / path).unlink(missing_ok=True)
    _sums(folder)


def _reorder(house: House, folder: Path) -> None:
    for form in ("", bundle_paths.PROOF, bundle_paths.SPICY):
        first, second = folder / (bundle_paths.event(3) + form), folder / (bundle_paths.event(4) + form)
        kept = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(kept)
    for name in (bundle_paths.payload, bundle_paths.salt):
        kept = (folder / name(3)).read_bytes()
        (folder / name(3)).write_bytes((folder / name(4)).read_bytes())
        (folder / name(4)).write_bytes(kept)
    _sums(folder)


def _change_payload(house: House, folder: Path) -> None:
    path = folder / bundle_paths.payload(0)
    path.write_bytes(path.read_bytes().replace("田中".encode(), "佐藤".encode()))
    _sums(folder)


@dataclass(slots=True)
class Forgery:
    """
    A log of the operator's own making, sealed with the operator's keys at today's date.

    *anchors*: notes and stamps that are kept from the true bundle.  *head_stamped*: whether the authority is asked, now.
    """

    house: House
    folder: Path
    leaves: list[dict[str, object]]
    keep_anchors: bool = False
    head_stamped: bool = True
    witness_line: bytes = b""
    signer: Signer | None = None
    raw: list[bytes] = field(default_factory=list)

    def seal(self) -> None:
        """Chain the leaves anew, sign, stamp, and write all that a bundle has."""
        self.raw = chained(self.leaves)
        note, head, tree = self._head()
        _clear(self.folder, keep_anchors=self.keep_anchors)
        (self.folder / bundle_paths.ENTRIES).write_bytes(b"".join(leaf + b"\n" for leaf in self.raw))
        (self.folder / bundle_paths.CHECKPOINT).write_bytes(note)
        (self.folder / bundle_paths.anchored(head.size)).write_bytes(note)
        if self.head_stamped:
            (self.folder / bundle_paths.stamped(head.size)).write_bytes(self.house.stamped(note))
        events = self._events(note, tree)
        _sums(self.folder)
        self._certificate(head, note, events)

    def _head(self) -> tuple[bytes, Checkpoint, list[list[bytes]]]:
        frontier = Frontier()
        tree = [frontier.add(leaf) for leaf in self.raw]
        head = Checkpoint(ORIGIN, frontier.size, frontier.root())
        note = checkpoint.sign(head, [self.signer or self.house.log_key]) + self.witness_line
        return note, head, tree

    def _events(self, note: bytes, tree: list[list[bytes]]) -> int:
        own = [idx for idx, leaf in enumerate(self.raw) if json.loads(leaf)["case"] == CASE]
        for seq, idx in enumerate(own):
            hashes = inclusion(idx, len(self.raw), lambda level, at: tree[((at + 1) << level) - 1][level])
            proof = Proof(idx, hashes, note)
            path = bundle_paths.event(seq)
            for form, content in (
                ("", self.raw[idx]),
                (bundle_paths.PROOF, proof.tlog_proof),
                (bundle_paths.SPICY, proof.spicy),
            ):
                (self.folder / (path + form)).write_bytes(content)
        return len(own)

    def _certificate(self, head: Checkpoint, note: bytes, events: int) -> None:
        true = read_claim((self.folder / bundle_paths.CERTIFICATE).read_bytes())
        sums = (self.folder / bundle_paths.SUMS).read_bytes()
        told = [json.loads(leaf) for leaf in self.raw if CERTIFIED.encode() in leaf]
        former = former_of(told[-1]) if told else None
        claim = CertificateStatement(
            true.case, len(told) + 1, former, ORIGIN, head.size, head.text.split("\n")[2], events,
            len(sums.splitlines()), hashlib.sha256(sums).hexdigest(), hashlib.sha256(note).hexdigest(),
        )  # fmt: skip
        made = certificate.issue(claim, self.house.case_key, self.house.stamped)
        (self.folder / bundle_paths.CERTIFICATE).write_bytes(made.raw)


def _clear(folder: Path, *, keep_anchors: bool) -> None:
    for path in (folder / "events").iterdir():
        path.unlink()
    for path in () if keep_anchors else list((folder / "log/anchors").iterdir()):
        path.unlink()


def chained(leaves: Sequence[dict[str, object]]) -> list[bytes]:
    """Give each leaf its number and `prev` anew."""
    last: dict[object, tuple[int, str]] = {}
    raw: list[bytes] = []
    for said in leaves:
        seq, prev = last.get(said["case"], (0, "0" * 64))
        raw.append(canonical({**said, "seq": seq, "prev": prev}))  # type: ignore[dict-item]  # JSON that was read from JSON
        last[said["case"]] = seq + 1, hashlib.sha256(raw[-1]).hexdigest()
    return raw


def true_log(house: House) -> list[dict[str, object]]:
    """The operator's own log, all of it."""
    with house.engine.begin() as connection:
        return [entry.record for entry in house.trail.entries(connection)]


def _without_anchors(leaves: list[dict[str, object]]) -> list[dict[str, object]]:
    return [said for said in leaves if said["type"] != "anchor.recorded"]


def _rewritten(leaves: list[dict[str, object]]) -> list[dict[str, object]]:
    """Say that something else was taken away."""
    return [said | {"kind": "sign_in"} if said["type"] == "revoke.outcome" else said for said in leaves]


def _sooner(leaves: list[dict[str, object]]) -> list[dict[str, object]]:
    """Say that the cut came when it was due."""
    opened = leaves[0]["time"]
    return [said | {"time": opened} if said["type"] == "revoke.outcome" else said for said in leaves]


def _late_word(leaves: list[dict[str, object]]) -> dict[str, object]:
    """An event of the case that claims to be as old as its first."""
    first = {name: value for name, value in leaves[0].items() if name != "payload_commit"}
    return first | {"type": "case.noted"}


def _rewrite(house: House, folder: Path) -> None:
    """Rewrite history, drop the anchors, and have the authority stamp the new head now, days later."""
    house.clock.move(days=5)
    Forgery(house, folder, _without_anchors(_rewritten(true_log(house)))).seal()


def _rewrite_keeping_anchors(house: House, folder: Path) -> None:
    house.clock.move(days=5)
    Forgery(house, folder, _sooner(true_log(house)), keep_anchors=True).seal()


def _back_date(house: House, folder: Path) -> None:
    """Append an event that claims to be older than the anchor before it."""
    leaves = true_log(house)
    Forgery(house, folder, [*leaves, _late_word(leaves)], keep_anchors=True).seal()


def _grow(house: House, folder: Path) -> None:
    """Append a back-dated event, and never show the head to anybody."""
    leaves = true_log(house)
    Forgery(house, folder, [*leaves, _late_word(leaves)], keep_anchors=True, head_stamped=False).seal()


def _delete_other(house: House, folder: Path) -> None:
    """Take an old event of another case away, and number what is left anew."""
    leaves = true_log(house)
    gone = next(n for n, said in enumerate(leaves) if said["case"] == OTHERS[0])
    house.clock.move(days=5)
    Forgery(house, folder, leaves[:gone] + leaves[gone + 1 :], keep_anchors=True).seal()


def _another_key(house: House, folder: Path) -> None:
    """Sign the true log with another key that bears its name, proofs and anchors included; the certificate cannot follow."""
    stranger = open_or_create(house.folder / "stranger.key", ORIGIN)
    newest = Checkpoint.parse((folder / bundle_paths.CHECKPOINT).read_text())
    for path in [folder / bundle_paths.CHECKPOINT, *(folder / "log/anchors").glob("*.checkpoint")]:
        head = Checkpoint.parse(path.read_text())
        path.write_bytes(checkpoint.sign(head, [stranger]))
    note = (folder / bundle_paths.anchored(newest.size)).read_bytes()
    for path in (folder / "events").glob("*" + bundle_paths.PROOF):
        proof = parse(path.read_bytes())
        path.write_bytes(Proof(proof.index, proof.hashes, note).tlog_proof)
        path.with_name(path.name.replace(bundle_paths.PROOF, bundle_paths.SPICY)).write_bytes(
            Proof(proof.index, proof.hashes, note).spicy
        )
    _sums(folder)


ATTACKS: Mapping[str, Attack] = {
    "edit one event": Attack(_edit_event, frozenset({1, 3, 7})),
    "edit one event, list anew": Attack(_edit_event_and_sums, frozenset({2, 3, 7})),
    "swap the evidence, list anew": Attack(_swap_evidence, frozenset({2, 9})),
    "remove the last event, list anew": Attack(_remove_last, frozenset({2, 7})),
    "exchange two events with their proofs": Attack(_reorder, frozenset({2, 7, 8})),
    "change personal data": Attack(_change_payload, frozenset({2, 8})),
    "operator rewrites, drops anchors, stamps anew": Attack(_rewrite, frozenset({4, 13})),
    "operator rewrites, keeps old anchors": Attack(_rewrite_keeping_anchors, frozenset({4, 6, 11, 13})),
    "operator appends a back-dated event": Attack(_back_date, frozenset({4, 11, 13})),
    "operator grows the log, never anchored": Attack(_grow, frozenset({4, 5, 11})),
    "operator deletes another case's event": Attack(_delete_other, frozenset({4, 6, 13})),
    "signed with another log key": Attack(_another_key, frozenset({2, 3, 4, 5, 6, 12})),
}


def attacked(house: House, sound: Path, name: str, folder: Path) -> Path:
    """Copy the *sound* bundle and carry the attack out on the copy."""
    shutil.copytree(sound, folder)
    ATTACKS[name].make(house, folder)
    return folder
