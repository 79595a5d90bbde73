"""Compose a record from a case's facts: the front, then the sections in the order of an auditor's questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

from audit.events import EventType
from casework.lifecycle import FINISHED
from casework.record.facts import Listing, RecordEvent, RecordFacts, Request
from casework.visible_text import visible
from models.actor import UNAUTHENTICATED
from portal.document import NONE, Cell, Clock, Document, Grid, Section, Tone, cell, listing, mono
from portal.record.drawing import timeline
from portal.sections import access, case, papers
from portal.sections.downloads import downloads
from portal.sections.front import document
from portal.words import EVENTS, Phrase, joined, place, said, sentence, titled

COMMANDS = (
    "sha256sum --quiet -c SHA256SUMS",
    (
        "cosign verify-blob-attestation --bundle certificate.sigstore.json --key ../trust/case.pub.pem --new-bundle-format \\\n"
        "  --trusted-root ../trust/trusted_root.json --use-signed-timestamps --insecure-ignore-tlog \\\n"
        "  --type https://lastday.example/audit-record/v1 SHA256SUMS"
    ),
    "lastday verify . --trust ../trust",
)
"""The commands that verify the folder without lastday."""
MANY = frozenset({EventType.REVOKE_INTENT, EventType.REVOKE_OUTCOME, EventType.OBSERVE_SEEN})
"""Types with one or more events for each entitlement: they are only in `events/`, not in the course of the case."""
_FEW = 2
"""How many requests of a listing are shown; the page folds the others."""
_OF_WHAT = ("service", "connection", "kind", "finding", "state", "choice", "scope", "basis")


def compose(facts: RecordFacts) -> Document:
    """Return the record as a document.  The same facts give the same document."""
    clock = Clock(facts.view.departure.timezone)
    return document(facts.view, _sections(facts, clock), *warnings(facts))


def warnings(facts: RecordFacts) -> list[Phrase]:
    """Return the warnings that a reader of this record must see first."""
    return [sentence("rehearsal")] * facts.rehearsal + [sentence("as_it_stands")] * (facts.view.state not in FINISHED)


def _sections(facts: RecordFacts, clock: Clock) -> Iterator[Section]:
    view = facts.view
    yield Section(*titled("timeline"), pictures=(timeline(facts, clock),))
    yield case.notice(view, clock)
    yield access.cutoffs(view, clock)
    yield access.truth_table(view, clock)
    yield _listings(facts, clock)
    yield case.findings(view, clock)
    yield case.waivers(view, clock)
    yield _people(facts, clock)
    yield papers.nda(view.nda, clock)
    if view.nda.trade_secret:
        yield papers.trade_secret(view.nda.trade_secret)
    yield downloads(view, clock, erased=facts.erased_at is not None)
    yield access.accounts(view, clock)
    yield case.looks(view, clock)
    yield _events(facts, clock)
    yield _proof(facts, clock)
    yield Section(*titled("verify"), commands=COMMANDS, notes=(sentence("proven"), sentence("not_proven")))


def _listings(facts: RecordFacts, clock: Clock) -> Section:
    """Each search for accounts and the newest read of each kind, with requests and results: they show how complete it is."""
    columns = {
        "Account": 14,
        "Entitlement": 10,
        "Read": 12,
        "Asked of the vendor": 34,
        "Answers": 8,
        "Rows": 9,
        "Root over the exchanges": 13,
    }
    return listing(
        "listings",
        columns,
        (_read(one, clock) for one in facts.listings),
        said("Erased with the personal data: nobody can say it any more.")
        if facts.erased_at is not None
        else said("No read is kept with its requests: an earlier version kept digests alone, or nothing was read."),
    )


def _read(one: Listing, clock: Clock) -> tuple[Cell, ...]:
    answers = ", ".join(f"{status} ×{count}" for status, count in one.answers.items())
    asked = [_asked(request) for request in one.requests]
    return (
        cell(place(one.connection), one.account),
        cell(one.kind or said("accounts")),
        cell(*dict.fromkeys((clock.text(one.sent_at), clock.text(one.received_at)))),
        replace(cell(*asked[:_FEW]), folded=tuple(map(visible, asked[_FEW:]))),
        cell(answers),
        cell(_rows(one)),
        mono(one.root),
    )


def _asked(request: Request) -> str:
    parts = parse_qsl(request.query or "", keep_blank_values=True)
    query = "?" + "&".join(f"{name}={value.replace('&', '%26')}" for name, value in parts) if parts else ""
    return f"{request.what}{query}" + (f" ×{request.times}" if request.times > 1 else "")


def _rows(one: Listing) -> object:
    if one.rows is None:
        return said("not readable")
    return one.rows if one.looked_through is None else joined(" / ", one.rows, one.looked_through)


def _people(facts: RecordFacts, clock: Clock) -> Section:
    """Who asked, decided, approved and signed.  Each line is an event of the trail and names its file."""
    columns = {"Event": 8, "When": 16, "What happened": 28, "Who": 16, "In their words": 32}
    rows = (_act(told, clock) for told in facts.told if told.by is not None)
    erased = said("The words were erased; the events cannot be.")
    return listing("people", columns, rows, erased if facts.erased_at else NONE)


def _act(told: RecordEvent, clock: Clock) -> tuple[Cell, ...]:
    choice = told.fields.get("choice")
    chosen = f"({choice})" if isinstance(choice, str) and choice else None
    return (
        mono(f"{told.seq:04d}"),
        clock(told.at),
        cell(joined(" ", EVENTS[told.type], chosen)),
        _who(told),
        cell(told.reason),
    )


def _who(told: RecordEvent) -> Cell:
    return cell(joined(" ", told.by, said("(unauthenticated)") if told.made_sure_by == UNAUTHENTICATED else None))


def _events(facts: RecordFacts, clock: Clock) -> Section:
    """The case's milestones; each request and each read is in `events/`."""
    shown = [told for told in facts.told if told.type not in MANY]
    columns = {"Event": 8, "When": 20, "What happened": 40, "Of what": 32}
    rows = ((mono(f"{told.seq:04d}"), clock(told.at), cell(EVENTS[told.type]), _of_what(told)) for told in shown)
    rest = len(facts.told) - len(shown)
    lead = Phrase(
        f"Each line is a sealed event; {rest} more (requests, answers and reads) are in events/.",
        f"各行は封緘された事象。このほか{rest}件 (要求・応答・読み取り) がevents/にある。",
    )
    return replace(listing("events", columns, rows), lead=lead)


def _of_what(told: RecordEvent) -> Cell:
    return cell(" ".join(str(told.fields[name]).replace("_", " ") for name in _OF_WHAT if told.fields.get(name)))


def _proof(facts: RecordFacts, clock: Clock) -> Section:
    """Digests and origins, and what each of them proves."""
    unknown = facts.view.open_intents
    plans = Grid(
        {"Plan sealed": 18, "Scope": 14, "Steps": 10, "SHA-256: plan, policy": 58},
        tuple(
            (clock(p.sealed_at), cell(p.scope), cell(p.steps), mono(p.sha256, p.policy_sha256))
            for p in facts.view.plans
        ),
        empty=said("No plan was sealed."),
    )
    said_of_it = {
        "SHA-256 of record.json": mono(facts.sha256),
        "Log": mono(facts.log),
        "Events of this case": cell(len(facts.told)),
        "Intents without an outcome": cell(unknown, tone=Tone.OPEN if unknown else Tone.GOOD),
        "This record is number": cell(facts.revision),
        "Certificate of the record before": mono(facts.former),
        "Exported by": _who(facts.exported) if facts.exported is not None else cell(None),
    }
    return Section(*titled("proof"), facts=said_of_it, grids=(plans,))
