"""A case's facts become a document: the front, then the sections in the order in which an auditor asks."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from casework.record.facts import Facts, Proof
from models.vocabulary import EntitlementState, Standing
from portal.record import access, drawing, papers, person
from portal.record import proof as proving
from portal.record.document import Cell, Clock, Document, Phrase, Section, Tone, cell, visible
from portal.record.words import state, yes_or_no

_TITLE = Phrase("Record of an offboarding", "退職時アクセス権剥奪の記録")


def compose(facts: Facts, known: Proof) -> Document:
    """Return the record as a document.  The same facts and proof give the same document."""
    clock = Clock(facts.timezone)
    return Document(
        title=_TITLE,
        subject=visible(" ".join(p for p in (facts.person.employee_no, facts.person.name) if p)) or "—",
        case=facts.case,
        verdict=state(facts.state),
        zone=f"{facts.timezone} (UTC{facts.read_at.astimezone(ZoneInfo(facts.timezone)):%z})",
        made_at=facts.read_at,
        figures=_figures(facts, clock),
        banners=tuple(_banners(facts, known)),
        sections=_sections(facts, known, clock),
    )


def _sections(facts: Facts, known: Proof, clock: Clock) -> tuple[Section, ...]:
    return (
        _timeline(facts, clock),
        person.notice(facts, clock),
        access.cutoffs(facts, clock),
        access.truth_table(facts, clock),
        person.findings(facts, clock),
        person.waivers(facts, clock),
        person.people(facts, clock),
        papers.nda(facts, clock),
        papers.downloads(facts, clock),
        access.accounts(facts, clock),
        person.looks(facts, clock),
        proving.events(facts, clock),
        proving.proof(facts, known, clock),
        proving.verifying(facts, known, clock),
    )


def _banners(facts: Facts, known: Proof) -> list[Phrase]:
    applies = (
        (known.rehearsal, proving.REHEARSAL),
        (facts.as_it_stands, proving.AS_IT_STANDS),
        (not facts.for_real, proving.PLAN_ONLY),
        (facts.erased_at is not None, proving.ERASED),
    )
    return [banner for applies_here, banner in applies if applies_here]


def _figures(facts: Facts, clock: Clock) -> tuple[tuple[Phrase, Cell], ...]:
    taken = [a for a in facts.accounts if a.standing is Standing.ACCEPTED]
    timings = [a.timing for a in taken]
    ends = [t.effective_cutoff_at for t in timings if t.effective_cutoff_at is not None]
    whole = bool(timings) and len(ends) == len(timings)
    exposure = max((t.exposure_minutes or 0 for t in timings), default=0) if whole else None
    return (
        (Phrase("Cut due", "停止予定"), clock(facts.due_at)),
        (Phrase("Last account closed", "最後の遮断"),
         clock(max(ends), Tone.GOOD) if whole else cell(Phrase("not all closed", "未遮断あり"), Tone.OPEN)),
        (Phrase("Longest exposure", "最長の露出"), cell(None if exposure is None else Phrase(f"{exposure:,} min", f"{exposure:,} 分"))),
        (Phrase("Within SLA", "SLA 遵守"), yes_or_no(_met([t.sla_met for t in timings]))),
        (Phrase("Seen closed · signed for · open", "確認・署名・未遮断"), _rows(facts)),
    )  # fmt: skip


def _met(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return True if verdicts and None not in verdicts else None


def _rows(facts: Facts) -> Cell:
    rows = [row for a in facts.accounts if a.standing is Standing.ACCEPTED for row in a.rows]
    seen = sum(row.state is EntitlementState.OBSERVED_CLOSED for row in rows)
    signed = sum(row.state in {EntitlementState.ATTESTED, EntitlementState.WAIVED} for row in rows)
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
