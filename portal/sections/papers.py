"""Sections on confidentiality papers and the trade-secret tests; they also name what was not collected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from casework.view.case import CaseView
from casework.view.papers import Paper, Papers, Pledge, SecretTest
from portal.document import Cell, Clock, Grid, Section, Tone, cell, listing, mono, state, tone_of, yes_or_no
from portal.words import Phrase, joined, named, said, sentence, titled

_NOT_ACCEPTED = cell(said("not accepted"), tone=Tone.QUIET)


def nda(found: Papers, clock: Clock, *doubtful: Paper) -> Section:
    """Each paper that binds the leaver, with state and digest; then the *doubtful* ones, with each id on its own line."""
    section = titled("nda")
    if found.state == "not_collected":
        return Section(*section, notes=(sentence("not_collected"),))
    told = said("not expected") if found.state == "not_expected" else named("NdaState", found.state)
    facts = {
        "State": cell(told, tone=tone_of(found.state)),
        "Checked": clock(found.checked_at),
    }
    if found.pledge is not None:
        facts["Pledge asked for"] = _pledge(found.pledge, clock)
    if found.risk.reasons:
        facts["Risk raised by"] = cell(", ".join(found.risk.reasons), tone=Tone.OPEN)
    lost = (
        joined(": ", one.register_name, joined("  ", one.problem, one.remedy)) for one in found.looks if one.problem
    )
    ids = tuple(paper.paper for paper in doubtful if paper.paper is not None)
    return Section(*section, facts=facts, grids=(_papers(found.papers, doubtful),), commands=ids, notes=tuple(lost))


def in_short(view: CaseView, clock: Clock) -> Section:
    """Each paper on a line, with the id that a ruling needs; `lastday nda show` has digests and the trade-secret tests."""
    whole = nda(view.nda, clock, *view.nda.not_accepted)
    if not whole.grids:
        return whole
    grid = Grid(
        {"Paper": 12, "State": 10, "Register": 18, "Signer, date": 20, "Text and remedy": 40},
        tuple(_line(p, state(p.state)) for p in view.nda.papers) + tuple(_line(p, _NOT_ACCEPTED) for p in view.nda.not_accepted),
        empty=whole.grids[0].empty,
    )  # fmt: skip
    return replace(whole, grids=(grid,), commands=(f"lastday nda show {view.case}", *whole.commands))


def _line(p: Paper, counts_as: Cell) -> tuple[Cell, ...]:
    signed = joined(" ", p.signer, p.signed_on)
    return cell(p.kind), counts_as, cell(p.paper or p.register_name), cell(signed), cell(*_told(p))


def _told(p: Paper) -> tuple[Phrase, Phrase]:
    """Return a paper's sentence and its remedy."""
    return Phrase(p.text, p.text_ja), Phrase(p.remedy or "", p.remedy_ja or "")


def _pledge(pledge: Pledge, clock: Clock) -> Cell:
    reminders = Phrase(f"reminders: {pledge.reminders}", f"督促{pledge.reminders}回") if pledge.reminders else None
    return cell(joined(" · ", pledge.state, pledge.register_name, clock.text(pledge.sent_at), reminders))


def _papers(papers: Iterable[Paper], doubtful: Iterable[Paper]) -> Grid:
    return Grid(
        {"Paper": 14, "State": 11, "Title, register": 21, "Signer, date": 16, "Binds after leaving": 12, "SHA-256, signature": 26},
        tuple(_paper(p, state(p.state)) for p in papers)
        + tuple(_paper(p, _NOT_ACCEPTED) for p in doubtful),
        empty=said("No paper was found."),
    )  # fmt: skip


def _paper(p: Paper, counts_as: Cell) -> tuple[Cell, ...]:
    binds = yes_or_no(p.survives, unknown=said("not known"))
    return (
        cell(p.kind),
        counts_as,
        cell(p.title, p.paper or p.register_name, *_told(p)),
        cell(p.signer, p.signed_on),
        cell(*binds.lines, p.expires_on if p.survives else None, tone=binds.tone),
        mono(p.sha256, p.signature),
    )


def trade_secret(tests: Iterable[SecretTest]) -> Section:
    """For each test: what the record shows, what a person must still say, and the answer."""
    columns = {"Test for a trade secret": 16, "The record shows": 32, "A person must still say": 30, "Answer": 22}
    rows = (
        (cell(t.test), _listed(t.shows, t.shows_ja), _listed(t.asks, t.asks_ja), cell(t.answer and t.answer.text))
        for t in tests
    )
    return listing("secrets", columns, rows)


def _listed(english: Iterable[str], japanese: Iterable[str]) -> Cell:
    return cell(Phrase("\n".join(english), "\n".join(japanese)))
