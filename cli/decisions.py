"""People's decisions: whose an account is, what was done by hand, which finding is accepted, what a second person approves."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer

from casework.decisions import pausing, signatures
from casework.matching import answering
from cli.contexts import ask_for_runs, in_context
from cli.errors import CommandRefused
from cli.options import CaseId, Revision, day
from cli.terminal import Terminal, advice
from models.vocabulary import ConnectionId, EntitlementKind, OpenReason, as_fields, checked_connection


def answer(
    terminal: Terminal,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="As `lastday show CASE` gives it.")],
    account: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE:ID", help="One that is the leaver's; may be repeated."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="None of them is the leaver's.")] = False,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take the answer back, and ask again.")] = False,
    reason: Annotated[str, typer.Option(help="What the decision rests on.")] = "",
    revision: Revision = None,
) -> None:
    """Say which of the doubtful accounts are the leaver's; the others then are not.  Or take such an answer back."""
    if none + take_back + bool(account) != 1:
        raise CommandRefused(*advice("needs_answer"))
    if take_back:
        case = in_context(answering.take_back, question, by=terminal.who, reason=reason)
        terminal.report("answer_taken_back", case=case.id, question=question, taken_back=True)
    else:
        chosen = account or []
        case = in_context(answering.answer, question, chosen=chosen, by=terminal.who, reason=reason, revision=revision)
        terminal.report("answer_recorded", {"count": len(chosen)}, case=case.id, question=question, chosen=chosen)
    ask_for_runs(terminal, case.id)


def approve(
    terminal: Terminal,
    subject: Annotated[str, typer.Argument(metavar="ID", help="Of the waiver, restore, release … that was asked for.")],
    revision: Revision = None,
) -> None:
    """Approve, as the second person, a waiver, a restore, a release of the blast radius or the end of a pause."""
    approved = in_context(signatures.approve, subject, by=terminal.who, revision=revision)
    terminal.report("approved", id=subject, approved=approved)
    if approved in {"release", "resume"}:
        ask_for_runs(terminal)


def attest(
    terminal: Terminal,
    case: CaseId,
    entitlement: Annotated[str, typer.Argument(metavar="ENTITLEMENT", help="Its id in `lastday show CASE --json`.")],
    statement: Annotated[str, typer.Option(help="What was done, where and when.")],
) -> None:
    """Sign that a step was done by hand.  A later read that shows the entitlement open outranks it."""
    signed = in_context(
        signatures.attest, case_id=case, entitlement_id=entitlement, statement=statement, by=terminal.who
    )
    terminal.report("attested", case=case, entitlement=entitlement, attestation=signed.id, by=signed.person.subject)


def waive(
    terminal: Terminal,
    until: Annotated[date, day("The last day on which it counts.")],
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="Without it, --tenant.")] = None,
    entitlement: Annotated[
        str | None, typer.Argument(metavar="[ENTITLEMENT]", help="The entitlement of the case.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is acceptable.")] = "",
    compensating: Annotated[str, typer.Option(help="The compensating control.")] = "",
    tenant: Annotated[bool, typer.Option("--tenant", help="Standing: what this tenant can never do.")] = False,
    service: Annotated[
        ConnectionId | None,
        typer.Option(parser=checked_connection, metavar="SERVICE", help="With --tenant: slack, slack.acquired."),
    ] = None,
    kind: Annotated[EntitlementKind | None, typer.Option(help="With --tenant: the kind of entitlement.")] = None,
    accepts: Annotated[OpenReason, typer.Option(help="With --tenant: why the kind is open.")] = OpenReason.NO_API,
) -> None:
    """Ask for a waiver; it counts once a second person has approved it."""
    signed: dict[str, Any] = {"reason": reason, "until": until, "by": terminal.who, "compensating": compensating}
    if tenant and case is None and service and kind:
        waiver = in_context(signatures.waive_for_tenant, connection=service, kind=kind, accepts=accepts, **signed)
    elif case is not None and entitlement is not None and not (tenant or service or kind):
        waiver = in_context(signatures.waive, entitlement_id=entitlement, case_id=case, **signed)
    else:
        raise CommandRefused(*advice("needs_waived"))
    asked = {"request": waiver.id}
    terminal.report("second_person", asked, waiver=waiver.id, until=str(waiver.until), outcome="requested")


def retire(
    terminal: Terminal,
    service: Annotated[
        ConnectionId,
        typer.Argument(
            parser=checked_connection,
            metavar="SERVICE",
            help="What LASTDAY_SERVICES no longer names: slack, slack.acquired.",
        ),
    ],
    reason: Annotated[str, typer.Option(help="What became of the tenant, and of the accounts in it.")] = "",
) -> None:
    """Ask to retire a service.  Until a second person has approved, cases with accounts there wait for it."""
    request = in_context(signatures.request_retirement, service, by=terminal.who, reason=reason)
    terminal.report("second_person", request=request.id, **as_fields(service), outcome="requested")


def pause(
    terminal: Terminal,
    reason: Annotated[str, typer.Option(help="Why; the people who resume decide by it.")],
    case: Annotated[
        str | None, typer.Argument(metavar="[CASE]", help="One case; else --company or --everything.")
    ] = None,
    company: Annotated[str | None, typer.Option(metavar="COMPANY", help="All cases of a company.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All cases.")] = False,
) -> None:
    """Pull the emergency brake: nothing is cut or restored at any vendor until two people resume.  Reads go on."""
    if (case is not None) + (company is not None) + everything != 1:
        raise CommandRefused(*advice("needs_paused"))
    made = in_context(pausing.pause, by=terminal.who, reason=reason, case_id=case, company=company)
    terminal.report("paused", pause=made.id, case=case, company=company, everything=everything, outcome="paused")


def resume(
    terminal: Terminal,
    pause: Annotated[str, typer.Argument(metavar="PAUSE", help="As `lastday show CASE` gives it.")],
    reason: Annotated[str, typer.Option(help="Why it may go on.")] = "",
) -> None:
    """Ask for a pause to end; it ends once a second person has approved."""
    request = in_context(pausing.request_resumption, pause, by=terminal.who, reason=reason)
    terminal.report("second_person", request=request.id, pause=pause, outcome="requested")
