"""A case's record: `lastday export` it for an auditor, who verifies it without us; `hold` it for a legal matter; `erase` it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from audit.bundle import BundleRefused
from audit.certificate import Certificate
from casework.context import Context
from casework.erasure import erasing
from casework.record.exporting import ExportConfig, MakePages
from casework.record.exporting import export as write
from casework.settings import read_settings
from casework.trail import trust
from casework.trail.anchoring import berth
from casework.trail.signing import certificate_signer
from cli.contexts import in_context
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import CaseId
from cli.terminal import Terminal, advice, sentence
from models.actor import Actor
from portal.record.pages import made_by, pages


def export(
    terminal: Terminal,
    case: CaseId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the folder goes; an earlier one of the case is replaced.")],
    as_it_stands: Annotated[
        bool, typer.Option("--as-it-stands", help="Export a case that is not closed; the record says so.")
    ] = False,
    seal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write record.sealed.pdf, sealed (PAdES) with this PKCS#12 file.")
    ] = None,
) -> None:  # fmt: skip
    """Write a case's record: pages, events with their proofs, evidence in clear text, certificate.  Each export is recorded."""
    try:
        with terminal.progress(1, sentence("writing")):
            made = in_context(_export, case, folder, by=terminal.who, as_it_stands=as_it_stands, pkcs12=seal)
    except BundleRefused as exc:
        raise CommandRefused(
            str(exc), "Choose a new folder, or see `lastday trail check` and `lastday evidence`."
        ) from exc
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


def erase(
    terminal: Terminal,
    case: CaseId,
    basis: Annotated[str, typer.Option(help="Why: retention, request, order, or in your own words; no names.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the case's id again.")] = False,
) -> int:
    """
    Remove a case's personal data for ever: names, accounts, payloads, evidence, papers.  The log's proofs stay.

    The first call asks a second person (exit 1); once it is approved, the same call erases.
    """
    request = in_context(erasing.request_erasure, case, by=terminal.who, basis=basis)
    if request.answered_at is None:
        terminal.report("second_person", case=case, request=request.id, outcome="requested")
        return REMAINS
    if not yes and _typed_again(terminal) != case:
        raise CommandRefused(*advice("another_id_typed"))
    emptied = in_context(erasing.erase, case)
    terminal.report("erased", case=case, erased=emptied, outcome="erased")
    return DONE


def hold(
    terminal: Terminal,
    case: CaseId,
    reason: Annotated[str, typer.Option(help="The matter that the record is needed for.")],
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
) -> None:
    """Set a legal hold on a case, or release it.  A case on hold cannot be erased."""
    in_context(erasing.release_hold if release else erasing.hold, case, by=terminal.who, reason=reason)
    outcome = "released" if release else "held"
    terminal.report(f"hold_{outcome}", case=case, outcome=outcome)


def _export(
    context: Context, case: str, folder: Path, *, by: Actor, as_it_stands: bool, pkcs12: Path | None
) -> Certificate:
    settings = read_settings()
    place, signer = berth(settings, context.store), certificate_signer(settings)
    trust.publish(settings)
    trust.publish_certificates(settings, signer.public_key)
    make: MakePages = pages
    if pkcs12 is not None:
        from portal.record.sealing import sealed

        passphrase = os.environ.get("LASTDAY_SEAL_PASSPHRASE", "")
        make = sealed(pkcs12, passphrase, place.open_client, place.authorities)
    made = write(context, ExportConfig(place, signer, make, made_by()), case, folder, by=by, as_it_stands=as_it_stands)
    trust.publish_authority(settings, made, signer.public_key)
    return made


def _typed_again(terminal: Terminal) -> str:
    """Ask for the case's id again and return the answer.  Raises `CommandRefused` without a terminal, or with --json."""
    if terminal.as_json or not sys.stdin.isatty():
        raise CommandRefused(*advice("nobody_to_ask"))
    return str(typer.prompt(sentence("type_again"), err=True)).strip()
