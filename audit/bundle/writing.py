"""
Write a case's bundle from one state of the database.  Its head is the newest anchor, which covers everything in the bundle.

Memory does not grow with the log: it is streamed once, and each proof takes about log2(n) rows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select

from audit import anchors, bundle_paths, certificate, merkle, reading
from audit.anchors import Anchor
from audit.appending import TrailError
from audit.bundle import folder as folders
from audit.bundle.folder import BundleDraft as Folder
from audit.bundle.folder import BundleRefused
from audit.certificate import CERTIFIED, Certificate, CertificateStatement, EarlierCertificate, Stamper
from audit.certificate_keys import CertificateSigner
from audit.checkpoint import Checkpoint
from audit.events import EventType
from audit.merkle import Frontier
from audit.note import split
from audit.reading import Entry
from audit.tables import audit_payload
from audit.tlogproof import Proof

_PAYLOAD = select(audit_payload.c.salt, audit_payload.c.payload).where(audit_payload.c.idx == bindparam("row"))
_LAST_OF_CASE = "bundle: cannot write: the case has events that no anchor covers yet; anchor the log first"


@dataclass(frozen=True, slots=True)
class BoundFile:
    """A file under `evidence/` that an event of the case binds by its digest.  *parts*: its bytes, in clear text."""

    name: str
    parts: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class BundleContents:
    """
    The caller's part of a case's bundle.

    *pages*: the two READMEs and `record.html`; `record.json` and `record.pdf`, if there are any.  *evidence*: every file that an
    event of the case binds and that was not erased; iterated once, each file as it is written.
    """

    case: str
    pages: Mapping[str, bytes | Path]
    evidence: Iterable[BoundFile] = ()


@dataclass(frozen=True, slots=True)
class CertificateParties:
    """
    Who signs the certificate, and who stamps it.  *stamper*: returns an authority's answer (`timestamp.ask(…)[0]`); None: no stamp.

    *quorum*: whether enough witnesses must have cosigned the head.  With a *stamper* the head must have a stamp too.
    """

    signer: CertificateSigner
    stamper: Stamper | None
    quorum: bool


def write(
    connection: Connection,
    folder: Path,
    contents: BundleContents,
    seal: CertificateParties,
    announce: Callable[[Certificate], object] | None = None,
) -> Certificate:
    """
    Write a case's bundle into *folder* and return its certificate.

    *connection* reads one state of the database throughout (on SQLite a DEFERRED transaction: nothing is locked while the authority
    is asked).  *announce* is called after the files are written and before the rename.  It must append `certificate.draft(actor)`
    in its own transaction: then the log knows each certificate that leaves the house, and the next one names this one.

    Raises `BundleRefused` (no anchor covers the case, evidence or a page is missing, the folder is another case's), `TrailError` if
    the log's leaves do not match its hashes, and the errors of the stamper and *announce*.  Then the draft is removed, and *folder*
    is as it was.
    """
    source = _Source.at_newest_anchor(connection, contents.case, seal)
    with folders.draft(folder, contents.case) as draft:
        _pages(draft, contents.pages)
        bound, former = _events(draft, source)
        _evidence(draft, bound, contents.evidence)
        _anchors(draft, source)
        _log(draft, source)
        issued = certificate.issue(_claim(draft, source, former), seal.signer, seal.stamper)
        draft.seal(issued.raw)
        if announce is not None:
            announce(issued)
    return issued


@dataclass(slots=True)
class _Source:
    """The source of a bundle: the case under the anchor's head.  *events*: how many are written so far."""

    connection: Connection
    case: str
    anchor: Anchor
    head: Checkpoint
    events: int = 0

    @classmethod
    def at_newest_anchor(cls, connection: Connection, case: str, seal: CertificateParties) -> _Source:
        origin, stamped = reading.origin(connection), seal.stamper is not None
        anchor = None if origin is None else anchors.newest(connection, origin, quorum=seal.quorum, stamped=stamped)
        if anchor is None or not (seal.quorum or stamped):
            raise BundleRefused(_LAST_OF_CASE)
        return cls(connection, case, anchor, Checkpoint.parse(split(anchor.note)[0]))


def _pages(draft: Folder, pages: Mapping[str, bytes | Path]) -> None:
    if (
        not pages.keys() <= {*bundle_paths.PAGES, bundle_paths.SEALED}
        or not pages.keys() >= bundle_paths.PAGES & bundle_paths.REQUIRED
    ):
        raise BundleRefused(f"bundle: cannot write: the pages are {', '.join(sorted(bundle_paths.PAGES))}")
    for name, page in pages.items():
        draft.add(name, folders.chunks(page) if isinstance(page, Path) else [page])


@dataclass(slots=True)
class _Bound:
    """Evidence files that events bind: path to index and digest.  *erased*: indices of the events whose payloads were erased."""

    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)

    def note(self, entry: Entry, said: dict[str, Any]) -> None:
        if said["type"] == EventType.PAYLOAD_ERASED:
            self.erased.update(said["idx"])
        for one in bundle_paths.files_of(said):
            self._bind(one["name"], one["sha256"], entry.idx)

    def _bind(self, name: str, digest: str, idx: int) -> None:
        if self.files.setdefault(name, (idx, digest))[1] != digest:
            raise BundleRefused("bundle: cannot write: two events bind different evidence under one name")


def _events(draft: Folder, source: _Source) -> tuple[_Bound, EarlierCertificate | None]:
    """Write each event with its proofs and payload.  Return the evidence that they bind, and the newest certificate that they record."""
    bound, former = _Bound(), None
    read = reading.node_reader(source.connection)
    for entry in reading.entries(source.connection, source.case):
        if entry.idx >= source.head.size:
            raise BundleRefused(_LAST_OF_CASE)
        said = entry.record
        bound.note(entry, said)
        if said["type"] == CERTIFIED:
            former = certificate.former_of(said)
        _event(draft, source, entry, read)
        source.events += 1
    if not source.events:
        raise BundleRefused("bundle: cannot write: the log has no such case")
    return bound, former


def _event(draft: Folder, source: _Source, entry: Entry, read: merkle.Read) -> None:
    proof = Proof(entry.idx, merkle.inclusion(entry.idx, source.head.size, read), source.anchor.note)
    path = bundle_paths.event(entry.seq)
    draft.add(path, [entry.leaf])
    draft.add(path + bundle_paths.PROOF, [proof.tlog_proof])
    draft.add(path + bundle_paths.SPICY, [proof.spicy])
    row = source.connection.execute(_PAYLOAD, {"row": entry.idx}).one_or_none()
    if row is not None and row.salt is not None:
        draft.add(bundle_paths.salt(entry.seq), [bytes(row.salt)])
        draft.add(bundle_paths.payload(entry.seq), [bytes(row.payload)])


def _evidence(draft: Folder, bound: _Bound, evidence: Iterable[BoundFile]) -> None:
    given = set()
    for one in evidence:
        if one.name not in bound.files:
            raise BundleRefused("bundle: cannot write evidence: no event of the case binds a file of this name")
        if draft.add(one.name, one.parts) != bound.files[one.name][1]:
            raise BundleRefused("bundle: cannot write evidence: it is not the file that the log binds")
        given.add(one.name)
    missing = {name for name, (idx, _) in bound.files.items() if idx not in bound.erased} - given
    if missing:
        raise BundleRefused(f"bundle: cannot write: {len(missing)} evidence files that events bind are missing")


def _anchors(draft: Folder, source: _Source) -> None:
    """Write the head, and every earlier anchor that the log records; under a stamped head only anchors with a stamp."""
    needed = source.anchor.tsr is not None
    for anchor in anchors.read_all(source.connection, source.head.origin, end=source.head.size):
        told = anchor.recorded_idx is not None and anchor.recorded_idx < source.head.size
        if not (told or anchor.size == source.head.size) or (needed and anchor.tsr is None):
            continue
        draft.add(bundle_paths.anchored(anchor.size), [anchor.note])
        if anchor.tsr is not None:
            draft.add(bundle_paths.stamped(anchor.size), [anchor.tsr])
    draft.add(bundle_paths.CHECKPOINT, [source.anchor.note])


def _log(draft: Folder, source: _Source) -> None:
    tree = Frontier()
    draft.add(bundle_paths.ENTRIES, _lines(source, tree))
    if (tree.size, tree.root()) != (source.head.size, source.head.root):
        raise TrailError("trail: cannot export: the leaves are not those that were anchored (lastday trail check)")


def _lines(source: _Source, tree: Frontier) -> Iterator[bytes]:
    for entry in reading.entries(source.connection, end=source.head.size):
        tree.add(entry.leaf)
        yield entry.leaf + b"\n"


def _claim(draft: Folder, source: _Source, former: EarlierCertificate | None) -> CertificateStatement:
    files = len(draft.sums)
    head = source.head
    return CertificateStatement(
        case=source.case,
        revision=1 if former is None else former.revision + 1,
        former=former,
        log=head.origin,
        size=head.size,
        root=base64.b64encode(head.root).decode(),
        events=source.events,
        files=files,
        sums=draft.list_sums(),
        checkpoint=hashlib.sha256(source.anchor.note).hexdigest(),
    )
