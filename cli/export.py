"""`lastday export`: a case as a folder that an auditor verifies without us."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from audit.bundle import BundleRefused
from audit.certificate import Certificate
from casework.context import Context
from casework.record.exporting import MakePages, Office
from casework.record.exporting import export as write
from casework.settings import read_settings
from casework.trail import trust
from casework.trail.anchoring import berth
from casework.trail.signing import certificate_signer
from cli.contexts import in_context
from cli.errors import Refused
from cli.options import CaseId
from cli.terminal import Terminal, sentence
from portal.record.pages import pages
from portal.record.sealing import sealed


def export(
    terminal: Terminal,
    case: CaseId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the folder goes; an earlier one of the case is replaced.")],
    as_it_stands: Annotated[
        bool, typer.Option("--as-it-stands", help="Export a case that is not closed; the record says so.")
    ] = False,
    seal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also seal record.pdf (PAdES) with this PKCS#12 file.")
    ] = None,
) -> None:  # fmt: skip
    """Write a case's record: pages, events with their proofs, evidence in the clear, certificate.  Each export is recorded."""
    try:
        with terminal.progress(1, sentence("writing")):
            made = in_context(_export, case, folder, by=terminal.actor, as_it_stands=as_it_stands, pkcs12=seal)
    except BundleRefused as exc:
        raise Refused(str(exc), "Choose a new folder, or see `lastday trail check` and `lastday evidence`.") from exc
    claim = made.claim
    terminal.report(
        "exported",
        case=case,
        folder=str(folder),
        revision=claim.revision,
        certificate_sha256=made.sha256,
        former_sha256=claim.former.sha256 if claim.former else None,
        events=claim.events,
        files=claim.files,
        log_size=claim.size,
    )


def _export(
    context: Context, case: str, folder: Path, *, by: str, as_it_stands: bool, pkcs12: Path | None
) -> Certificate:
    settings = read_settings()
    place, signer = berth(settings, context.store), certificate_signer(settings)
    trust.publish(settings)
    trust.publish_certificates(settings, signer.public_key)
    make: MakePages = pages
    if pkcs12 is not None:
        passphrase = os.environ.get("LASTDAY_SEAL_PASSPHRASE", "")
        make = sealed(pkcs12, passphrase, place.open_client, place.authorities)
    made = write(context, Office(place, signer, make), case, folder, by=by, as_it_stands=as_it_stands)
    trust.publish_authority(settings, made, signer.public_key)
    return made
