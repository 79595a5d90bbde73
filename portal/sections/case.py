"""Sections on the case itself: HR's notice, findings, questions, waivers, rechecks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from shlex import quote

from casework.question_kinds import KINDS
from casework.view.case import Candidate, CaseView, Finding, Question, Waiver
from portal.document import Cell, Clock, Grid, Section, Tone, cell, listing, mono, tone_of
from portal.sections.access import minutes, why
from portal.words import Phrase, joined, place, said, titled


def notice(view: CaseView, clock: Clock) -> Section:
    """The leaver and HR's notices, with the digest of each file that HR sent."""
    person = view.departure
    facts = {
        "Name": cell(person.name),
        "Kana · romaji · former name": cell(joined(" · ", person.kana, person.romaji, person.former_name)),
        "Employee number": cell(person.employee_no),
        "Addresses": cell(joined(", ", person.email, *person.other_emails)),
        "Manager": cell(person.manager),
        "Kind of departure": cell(person.kind),
        "Last day worked until": clock(person.last_working_at),
        "Employment ends on (inclusive)": cell(person.employment_ends_on),
        "Cut due": clock(view.due_at),
        "Notice came late by": cell(minutes(person.notice_late_minutes)),
    }
    notices = Grid(
        {"Received": 16, "Reported by": 14, "Became": 12, "Row": 5, "SHA-256 of the file that HR sent": 53},
        tuple(
            (clock(n.received_at), cell(n.reported_by), cell(n.disposition), cell(n.row), mono(n.source_sha256))
            for n in view.notices
        ),
    )
    return Section(*titled("notice"), facts=facts, grids=(notices,))


def findings(view: CaseView, clock: Clock) -> Section:
    """Every finding, ended ones included; similar findings share a row."""
    columns = {"First opened": 16, "Last resolved": 16, "Finding": 16, "Where": 20, "Text and remedy": 32}
    rows = (_alike(group, clock) for group in _groups((*view.findings, *view.resolved_findings)))
    return listing("findings", columns, rows, said("No finding was ever opened."))


def open_findings(view: CaseView, clock: Clock) -> Section:
    """The open findings, and in the same order the ids by which they are attested or waived, each on its own line."""
    groups = _groups(view.findings)
    rows = ((opened, *rest) for opened, _, *rest in (_alike(group, clock) for group in groups))
    section = listing("open_findings", {"First opened": 16, "Finding": 16, "Where": 20, "Text and remedy": 48}, rows)
    return replace(section, commands=tuple(f.entitlement_id for group in groups for f in group if f.entitlement_id))


def _groups(found: Iterable[Finding]) -> list[list[Finding]]:
    """Group findings that differ only in their times and entitlement, in the order of each group's first."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for f in sorted(found, key=lambda f: f.opened_at):
        alike = (f.kind, f.connection, f.entitlement_kind, f.text, f.remedy, f.resolved_at is None)
        groups.setdefault(alike, []).append(f)
    return list(groups.values())


def _alike(group: list[Finding], clock: Clock) -> tuple[Cell, Cell, Cell, Cell, Cell]:
    first, ends = group[0], [f.resolved_at for f in group if f.resolved_at is not None]
    return (
        clock(first.opened_at),
        clock(max(ends)) if ends else cell(said("open"), tone=Tone.OPEN),
        cell(joined(" ", first.kind, f"×{len(group)}" if len(group) > 1 else None), tone=Tone.PLAIN if ends else Tone.OPEN),
        cell(place(first.connection), first.entitlement_kind),
        cell(Phrase(first.text, first.text_ja or first.text), Phrase(first.remedy, first.remedy_ja or first.remedy)),
    )  # fmt: skip


def question(asked: Question, clock: Clock) -> Section:
    """A question to a person, with every candidate, and the commands that answer it."""
    facts = {
        "Asked of": cell(joined(", ", *asked.asked_of)),
        "Answer wanted by": clock(asked.wanted_by),
    }
    if (release := asked.release) is not None:
        facts |= {"Cases": cell(release.count), "Until": clock(release.until), "SHA-256": mono(release.sha256)}
    grid = Grid(
        {"Account": 22, "Name": 22, "Kind": 10, "Why the leaver's": 16, "Reason": 20, "State": 10},
        tuple(_option(one, asked) for one in asked.options),
    )
    how = f"{KINDS[asked.kind].verb} {asked.id} --revision {asked.revision}"
    return Section(
        "question",
        joined(" ", said("Question"), f"{asked.id}:", asked.text),
        facts=facts,
        grids=(grid,) if asked.options else (),
        commands=(*(f"{how} --account {quote(_named(one, asked))}" for one in asked.options), f"{how} --none")
        if asked.options
        else (how,),
    )


def _option(one: Candidate, asked: Question) -> tuple[Cell, ...]:
    return (
        mono(_named(one, asked)),
        cell(one.label),
        cell(one.kind),
        cell(why(one)),
        cell(
            one.reason if one.facts else None,
            said("for administration") if one.for_administration else None,
            said("taken for the leaver's before") if one.held else None,
        ),
        cell(one.standing, tone=tone_of(one.standing, Tone.QUIET)),
    )


def _named(one: Candidate, asked: Question) -> str:
    return f"{one.connection or asked.connection}:{one.account}"


def waivers(view: CaseView, clock: Clock) -> Section:
    """The waivers: accepted by two people until a date, with the compensating control."""
    columns = {"Waiver": 17, "What": 15, "Reason and compensating control": 30, "Asked": 14, "Approved": 14, "Until": 10}  # fmt: skip
    return listing("waivers", columns, (_waiver(waiver, clock) for waiver in view.waivers))


def _waiver(w: Waiver, clock: Clock) -> tuple[Cell, ...]:
    approved = cell(w.approved_by, clock.text(w.approved_at))
    return (
        mono(w.id),
        cell(place(w.connection), w.kind, said("(standing)") if w.standing else None),
        cell(joined(" / ", w.reason, w.compensating_control)),
        cell(w.requested_by, clock.text(w.requested_at)),
        approved if w.approved_by else cell(said("not approved"), tone=Tone.OPEN),
        cell(w.until),
    )


def looks(view: CaseView, clock: Clock) -> Section:
    """The rechecks after closing, done and due."""
    rows = ((cell(one.label), clock(one.due_at), clock(one.looked_at), _verdict(one.verdict)) for one in view.looks)
    return listing("looks", {"Look": 15, "Planned for": 25, "Looked": 25, "Verdict": 35}, rows)


def _verdict(verdict: str | None) -> Cell:
    words = {
        "quiet": "nothing opened again",
        "erased": "not carried out: erased before",
        "not_looked": "not looked: a service could not be read",
        "reopened": "open again: case reopened",
    }
    if verdict is None:
        return cell(said("not yet"), tone=Tone.QUIET)
    return cell(said(words.get(verdict, verdict)), tone=tone_of(verdict))
