"""`lastday erase` and `lastday hold`: personal data of an ended case is removed, or kept for a legal matter."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from casework.erasure import erasing
from cli.contexts import in_context
from cli.errors import DONE, REMAINS, Refused
from cli.options import CaseId
from cli.terminal import Terminal, advice, sentence


def erase(
    terminal: Terminal,
    case: CaseId,
    basis: Annotated[str, typer.Option(help="Why: retention, request, order, or in your own words; no names.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the case's id again.")] = False,
) -> int:
    """
    Remove a case's personal data for ever: names, accounts, payloads, evidence, papers.  The log's proofs stay.

    The first call asks a second person (exit 1); once approved, the same call carries it out.
    """
    request = in_context(erasing.request_erasure, case, by=terminal.who, basis=basis)
    if request.answered_at is None:
        terminal.report("second_person", case=case, request=request.id, outcome="requested")
        return REMAINS
    if not yes and _typed_again(terminal) != case:
        raise Refused(*advice("another_id_typed"))
    emptied = in_context(erasing.erase, case)
    terminal.report("erased", case=case, erased=emptied, outcome="erased")
    return DONE


def hold(
    terminal: Terminal,
    case: CaseId,
    reason: Annotated[str, typer.Option(help="The matter that the record is needed for.")],
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
) -> None:
    """Set a legal hold on a case, or release it: while it stands, the case cannot be erased."""
    in_context(erasing.release_hold if release else erasing.hold, case, by=terminal.who, reason=reason)
    outcome = "released" if release else "held"
    terminal.report(f"hold_{outcome}", case=case, outcome=outcome)


def _typed_again(terminal: Terminal) -> str:
    """Have the case's id typed again; without a terminal or with --json there is nobody to ask."""
    if terminal.as_json or not sys.stdin.isatty():
        raise Refused(*advice("nobody_to_ask"))
    return str(typer.prompt(sentence("type_again"), err=True)).strip()
