"""A case's facts become a document: the front, then the sections in the order in which an auditor asks."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from casework.record.facts import Facts, Proof
from casework.view.case import CaseView
from casework.visible import visible
from models.vocabulary import SIGNED, EntitlementState
from portal.record import access, drawing, papers, person
from portal.record import proof as proving
from portal.record.document import Cell, Clock, Document, Phrase, Section, Tone, cell
from portal.record.words import state, yes_or_no

_TITLE = Phrase("Record of an offboarding", "退職時アクセス権剥奪の記録")


def compose(facts: Facts, known: Proof) -> Document:
    """Return the record as a document.  The same facts and proof give the same document."""
    view, zone = facts.view, facts.view.departure.timezone
    clock = Clock(zone)
    return Document(
        title=_TITLE,
        subject=visible(f"{view.departure.employee_no} {view.departure.name}".strip()) or "—",
        case=view.case,
        verdict=state(view.state),
        zone=f"{zone} (UTC{view.read_at.astimezone(ZoneInfo(zone)):%z})",
        made_at=view.read_at,
        figures=_figures(view, clock),
        banners=tuple(_banners(facts, known)),
        sections=_sections(facts, known, clock),
    )


def _sections(facts: Facts, known: Proof, clock: Clock) -> tuple[Section, ...]:
    view = facts.view
    return (
        _timeline(facts, clock),
        person.notice(view, clock),
        access.cutoffs(view, clock),
        access.truth_table(view, clock),
        person.findings(view, clock),
        person.waivers(view, clock),
        person.people(facts, clock),
        papers.nda(view.nda, clock),
        papers.downloads(view.downloads, clock, erased=facts.erased_at is not None),
        access.accounts(view, clock),
        person.looks(view, clock),
        proving.events(facts, clock),
        proving.proof(facts, known, clock),
        proving.verifying(),
    )


def _banners(facts: Facts, known: Proof) -> list[Phrase]:
    applies = (
        (known.rehearsal, proving.REHEARSAL),
        (facts.view.as_it_stands, proving.AS_IT_STANDS),
        (not facts.view.for_real, proving.PLAN_ONLY),
        (facts.erased_at is not None, proving.ERASED),
    )
    return [banner for applies_here, banner in applies if applies_here]


def _figures(view: CaseView, clock: Clock) -> tuple[tuple[Phrase, Cell], ...]:
    timings = [account.timing for account in view.taken]
    ends = [t.effective_cutoff_at for t in timings if t.effective_cutoff_at is not None]
    whole = bool(timings) and len(ends) == len(timings)
    exposure = max((t.exposure_minutes or 0 for t in timings), default=0) if whole else None
    return (
        (Phrase("Cut due", "停止予定"), clock(view.due_at)),
        (Phrase("Last account closed", "最後の遮断"),
         clock(max(ends), Tone.GOOD) if whole else cell(Phrase("not all closed", "未遮断あり"), Tone.OPEN)),
        (Phrase("Longest exposure", "最長の露出"), cell(None if exposure is None else Phrase(f"{exposure:,} min", f"{exposure:,} 分"))),
        (Phrase("Within SLA", "SLA 遵守"), yes_or_no(_met([t.sla_met for t in timings]))),
        (Phrase("Seen closed · signed for · open", "確認・署名・未遮断"), _rows(view)),
    )  # fmt: skip


def _met(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return True if verdicts and None not in verdicts else None


def _rows(view: CaseView) -> Cell:
    rows = [row for account in view.taken for row in account.entitlements]
    seen = sum(row.state is EntitlementState.OBSERVED_CLOSED for row in rows)
    signed = sum(row.state in SIGNED for row in rows)
    still = len(rows) - seen - signed
    return cell(f"{seen} · {signed} · {still}", Tone.OPEN if still else Tone.GOOD)


def _timeline(facts: Facts, clock: Clock) -> Section:
    return Section(
        "timeline",
        Phrase("Timeline", "時系列"),
        lead=Phrase(
            "Time runs from left to right around the instant of the cut; it is drawn wide near that instant, narrow far from it. "
            "Hollow: commanded. Filled: seen closed by a later read.",
            "停止時刻を中心に左から右へ時間が進む。停止の前後は広く、遠いほど狭く描く。白丸は指示、塗り丸は後の読み取りによる遮断の確認。",
        ),
        pictures=(drawing.timeline(facts, clock),),
    )
