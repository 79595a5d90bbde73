"""Steps 3, 8, 9 and 10: the case's events, their proofs, their chain, the evidence that they bind, and writes without an outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import zstandard

from audit import bundle_paths
from audit.events import EventType
from audit.exchanges import IN_PAYLOAD, bind
from audit.leaf import FIRST_PREV, SALT_SIZE
from audit.merkle import leaf_hash, verify_inclusion
from audit.tlogproof import ProofError, parse
from audit.verify.folder import CHUNK, Bundle
from audit.verify.record_and_pages import LONGEST_PAYLOAD
from audit.verify.report import BundleError

_WIDEST = 1 << 27
"""Bytes: the largest window that a compressed file may ask the decompressor to hold in memory."""


def inclusion(bundle: Bundle) -> str:
    """Check that each event's proof leads to the root of the head, and that the proof's two forms agree."""
    note, head = bundle.whole(bundle_paths.CHECKPOINT), bundle.signed()
    count = _some(bundle)
    for seq in range(count):
        path = bundle_paths.event(seq)
        try:
            proof = parse(bundle.whole(path + bundle_paths.PROOF))
        except ProofError as exc:
            raise BundleError(path + bundle_paths.PROOF, str(exc)) from exc
        if proof.checkpoint != note:
            raise BundleError(path + bundle_paths.PROOF, "it leads to another head")
        leaf = leaf_hash(bundle.whole(path))
        if not verify_inclusion(leaf, proof.index, head.size, proof.hashes, head.root):
            raise BundleError(path, "its proof does not lead from it to the root")
        if bundle.whole(path + bundle_paths.SPICY) != proof.spicy:
            raise BundleError(path + bundle_paths.SPICY, f"it is not {path}{bundle_paths.PROOF} without its first line")
    return f"{count} events"


def _some(bundle: Bundle) -> int:
    count = bundle.events
    if not count:
        raise BundleError(bundle_paths.event(0), "it is missing")
    return count


def chain(bundle: Bundle) -> str:
    """Compare each event's number, case, log and `prev` with the event before it, and each payload with its commitment."""
    erased, absent = _erased(bundle), 0
    prev, case = FIRST_PREV, bundle.event(0)["case"]
    idx = -1
    for seq in range(_some(bundle)):
        path, said = bundle_paths.event(seq), bundle.event(seq)
        if (said["case"], said["seq"], said["log"]) != (case, seq, bundle.trust.logs[0].name):
            raise BundleError(path, "its case, number or log is not that of its place")
        if said["prev"] != prev:
            raise BundleError(path, "its prev is not the digest of the event before it")
        place = _index(bundle, seq)
        if place <= idx:
            raise BundleError(path, "the log has it before the event that precedes it")
        prev, idx = bundle.sha256(path), place
        absent += _payload(bundle, seq, said.get("payload_commit"), place in erased)
    return f"{bundle.events} events, {absent} payloads erased"


def _payload(bundle: Bundle, seq: int, commit: str | None, erased: bool) -> bool:  # noqa: FBT001  # whether the log records this payload's erasure
    """Return whether the payload was erased.  Raises `BundleError` if it is missing, wrong, or there although it was erased."""
    path, salted = bundle_paths.payload(seq), bundle_paths.salt(seq)
    there = bundle.paths & {path, salted}
    if commit is None or (erased and not there):
        if there:
            raise BundleError(min(there), "the event commits to no payload")
        return commit is not None
    if erased:
        raise BundleError(path, "the log says that it was erased")
    salt = bundle.whole(salted)
    if len(salt) != SALT_SIZE or _digest(salt, bundle.chunks(path)) != commit:
        raise BundleError(path, "it is not the payload that the event commits to")
    return False


def _erased(bundle: Bundle) -> set[int]:
    """Return the log's indices of the events whose payloads were erased, by the case's own events."""
    told = (bundle.event(seq) for seq in range(bundle.events))
    return {idx for said in told if said["type"] == EventType.PAYLOAD_ERASED for idx in said["idx"]}


def _index(bundle: Bundle, seq: int) -> int:
    path = bundle_paths.event(seq) + bundle_paths.PROOF
    try:
        return parse(bundle.whole(path)).index
    except ProofError as exc:
        raise BundleError(path, str(exc)) from exc


def evidence(bundle: Bundle) -> str:
    """
    Compare each file of evidence, compressed and decompressed, with the digests that events bind; each file must be bound.
    Compare the exchanges that payloads list with the roots in the events.
    """
    erased, unbound, found = _erased(bundle), {p for p in bundle.paths if p.startswith(bundle_paths.EVIDENCE)}, 0
    for seq in range(_some(bundle)):
        said = bundle.event(seq)
        for told in bundle_paths.files_of(said):
            name = told["name"]
            if name not in bundle.paths and _index(bundle, seq) in erased:
                continue
            if bundle.sha256(name) != told["sha256"]:
                raise BundleError(name, f"it is not the file that {bundle_paths.event(seq)} binds")
            if "content_sha256" in told and _clear_sha256(bundle, name) != told["content_sha256"]:
                raise BundleError(name, f"its content is not the one that {bundle_paths.event(seq)} binds")
            unbound.discard(name)
            found += 1
    for name in sorted(unbound):
        raise BundleError(name, "no event binds it")
    return f"{found} files, {_exchanges(bundle, erased)} exchanges with vendors"


def _exchanges(bundle: Bundle, erased: set[int]) -> int:
    """Compare the exchanges in each payload with the root in its event; return how many exchanges there are."""
    known: set[str] = set()
    found = 0
    for seq in range(bundle.events):
        told = bundle.event(seq).get("evidence")
        if not isinstance(told, dict):
            continue
        listed = _listed_in(bundle, seq)
        if listed is not None and bind(listed) != told:
            raise BundleError(
                bundle_paths.payload(seq), f"its exchanges are not those that {bundle_paths.event(seq)} binds"
            )
        if listed is None and told["root"] not in known and _index(bundle, seq) not in erased:
            raise BundleError(bundle_paths.event(seq), "no payload up to here lists the exchanges that it binds")
        found += 0 if told["root"] in known else told["count"]
        known.add(told["root"])
    return found


def _listed_in(bundle: Bundle, seq: int) -> list[dict[str, Any]] | None:
    """Return the exchanges that the event's payload lists, None if there is no payload or no list."""
    path = bundle_paths.payload(seq)
    if path not in bundle.paths:
        return None
    listed: list[dict[str, Any]] | None = json.loads(bundle.whole(path, LONGEST_PAYLOAD)).get(IN_PAYLOAD)
    return listed


def _clear_sha256(bundle: Bundle, path: str) -> str:
    return _digest(b"", _clear(bundle, path))


def _digest(first: bytes, parts: Iterator[bytes]) -> str:
    digest = hashlib.sha256(first)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _clear(bundle: Bundle, path: str) -> Iterator[bytes]:
    if not path.endswith(".zst"):
        yield from bundle.chunks(path)
        return
    with bundle.opened(path) as file:
        reader = zstandard.ZstdDecompressor(max_window_size=_WIDEST).stream_reader(file, read_across_frames=True)
        try:
            while part := reader.read(CHUNK):
                yield part
        except zstandard.ZstdError as exc:
            raise BundleError(path, "it cannot be decompressed") from exc


def intents(bundle: Bundle) -> str:
    """Find intents without an outcome: their writes may have happened at the vendor."""
    waiting: dict[str, int] = {}
    told = 0
    for seq in range(_some(bundle)):
        said = bundle.event(seq)
        if said["type"] == EventType.REVOKE_INTENT:
            told += 1
            waiting.setdefault(said["op"], seq)
        elif said["type"] == EventType.REVOKE_OUTCOME:
            waiting.pop(said["op"], None)
    for seq in sorted(waiting.values()):
        raise BundleError(bundle_paths.event(seq), "the write that it announces has no outcome")
    return f"{told} writes"
