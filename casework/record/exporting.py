"""
Export a case: seal the export, anchor the log, write the bundle's folder with a certificate.

An export reads evidence, so that look is sealed as an event of the case before the first byte is written.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlmodel import Session

from audit import anchoring, anchors, bundle, bundle_paths, reading, timestamp
from audit.anchor_config import AnchorConfig
from audit.anchors import Anchor
from audit.bundle.folder import refuse_foreign
from audit.certificate import Certificate, Stamper
from audit.certificate_keys import CertificateSigner
from audit.events import EventType
from audit.leaf import canonical
from audit.record import derive, newest_summary
from audit.timestamp import AuthorityUnreachable, StampRefused
from audit.verify.trust import rehearsed
from casework.activity.passes import SUMMARIES
from casework.context import Context, case_in
from casework.errors import BadRequest, CaseworkError
from casework.lifecycle import FINISHED
from casework.record.facts import beside
from casework.recording import seal
from casework.trail.comparing import require_as_sealed, told_of
from casework.view.reading.case import seal_look
from casework.view.reading.downloads import content_of
from models.actor import Actor, actor_of

MakePages: TypeAlias = "Callable[[bytes], Mapping[str, bytes]]"
"""Makes a bundle's pages from its `record.json` alone."""
_TRIES = 3
_CHUNK = 1 << 20


class NotAnchored(CaseworkError):
    """No outside party has countersigned the log up to this case's newest event."""


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """The configuration of exporting: *berth* (of anchoring), the certificate's *signer*, and the *pages*' maker, which *made_by* names."""

    berth: AnchorConfig
    signer: CertificateSigner
    pages: MakePages
    made_by: str


def export(
    context: Context, office: ExportConfig, case_id: str, folder: Path, *, by: Actor | str, as_it_stands: bool = False
) -> Certificate:
    """
    Write the case's bundle into *folder*, completely or not at all, and return its certificate.

    A later export makes a new certificate that names the former.  Raises `BadRequest` for a case under way unless *as_it_stands*,
    `TableMismatch` while its tables differ from what was sealed, `NotAnchored` while no authority answers, `BundleRefused` if
    *folder* holds something else.
    """
    with context.store.read() as session:
        require_as_sealed(session, case_id)
    state = context.case(case_id).state
    if state not in FINISHED and not as_it_stands:
        remedy = "Wait until it is closed, or add --as-it-stands: the record then says so."
        raise BadRequest(f"{case_id}: is {state}, not closed", remedy)
    refuse_foreign(folder, case_id)
    with context.store.write() as session:  # sealed first, so that the bundle itself shows who exported it
        state, rehearsal = case_in(session, case_id).state, rehearsed(office.berth.roots, office.berth.policy)
        told = beside(context, session, case_id) | {
            "by": actor_of(by).payload,
            "rehearsal": rehearsal,
            "made_by": office.made_by,
        }
        seal(context, session, EventType.CASE_EXPORTED, case_id, state=state, payload=told)
    seal_look(context, case_id, "evidence", by=by)
    _anchor(context, office.berth, case_id)
    with context.store.read() as session:
        require_as_sealed(session, case_id)
        connection = session.connection()
        _require_unmoved(context, session, case_id)
        record = canonical(_record(context, connection, case_id))
        contents = bundle.BundleContents(
            case_id, {bundle_paths.RECORD: record, **office.pages(record)}, _evidence(context, connection, case_id)
        )
        sealed = bundle.CertificateParties(office.signer, stamper(office.berth), quorum=office.berth.vouchers.witnesses)
        return bundle.write(connection, folder, contents, sealed, partial(_announce, context))


def _require_unmoved(context: Context, session: Session, case_id: str) -> None:
    """Raise `BadRequest` if a pause or a tenant's waiver that the case shows has changed since the export was sealed."""
    *_, told = (p for said, p in told_of(session.connection(), case_id) if said["type"] == EventType.CASE_EXPORTED)
    now = json.loads(canonical(dict[str, Any](beside(context, session, case_id)["of_tenant"])))
    if (told or {}).get("of_tenant") != now:
        raise BadRequest(f"{case_id}: a pause or a standing waiver changed meanwhile", "Export it again.")


def _record(context: Context, connection: Connection, case_id: str) -> dict[str, Any]:
    """Return the record derived from the case's events, with the newest summary of its evidence."""
    events, store = told_of(connection, case_id), context.evidence
    bound = newest_summary(events)
    kept = (
        [file for file in store.list(case_id, SUMMARIES) if bound and file.sha256 == bound["sha256"]] if store else []
    )
    downloads = {"sha256": kept[-1].sha256, "content": content_of(store, kept[-1])} if store and kept else None
    return derive(events, downloads)


def _anchor(context: Context, berth: AnchorConfig, case_id: str) -> None:
    """Anchor the log until an anchor covers the case's newest event: others go on writing meanwhile."""
    problems: tuple[str, ...] = ()
    for _ in range(_TRIES):
        problems = anchoring.anchor(berth, at_once=True).problems
        with context.store.read() as session:
            newest = _newest(session.connection(), berth)
            *_, last = reading.entries(session.connection(), case_id)
            if newest is not None and newest.size > last.idx:
                return
    said = "; ".join(problems) or "another job holds the anchors, or nobody outside is configured"
    raise NotAnchored(
        f"{case_id}: cannot export: no anchor covers it: {said}",
        "Run `lastday anchor` and see its answer; witnesses and authorities must be reachable.",
    )


def _newest(connection: Connection, berth: AnchorConfig) -> Anchor | None:
    """Return the newest anchor with all configured cosignatures and stamps; None if none are configured."""
    asked = berth.vouchers
    found = anchors.newest(connection, berth.trail.origin, quorum=asked.witnesses, stamped=asked.authorities)
    return found if asked.any else None


def _evidence(context: Context, connection: Connection, case_id: str) -> Iterator[bundle.BoundFile]:
    """Yield every file that the case's events bind and that was not erased, decrypted while it is read."""
    store = context.evidence
    if store is None:
        return
    names = {
        str(one["name"])
        for entry in reading.entries(connection, case_id)
        for one in bundle_paths.files_of(entry.record)
    }
    for stored in store.list(case_id):
        path = bundle_paths.EVIDENCE + stored.name
        if path in names:
            with store.open(case_id, stored.name) as file:
                yield bundle.BoundFile(path, iter(partial(file.read, _CHUNK), b""))


def stamper(berth: AnchorConfig) -> Stamper | None:
    """Return the function that has a signature stamped, None without authorities."""
    return partial(_stamp, berth) if berth.authorities else None


def _stamp(berth: AnchorConfig, signature: bytes) -> bytes:
    """Ask the authorities in turn.  Raises `NotAnchored` when none stamps."""
    with berth.open_client() as client:
        for url in berth.authorities:
            with contextlib.suppress(AuthorityUnreachable, StampRefused):  # then the next one is asked
                return timestamp.ask(client, url, signature, berth.roots)[0]
    raise NotAnchored(
        "certificate: cannot be stamped: no time-stamping authority answered",
        "Check LASTDAY_TIMESTAMP_URLS and that the authority can be reached, then run the same again.",
    )


def _announce(context: Context, made: Certificate) -> None:
    with context.store.write() as session:
        session.flush()
        context.store.trail.append_many(session.connection(), [made.draft(context.actor)])
