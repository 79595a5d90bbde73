"""A case's facts become a record: the front, then the sections in the order in which an auditor asks."""

from __future__ import annotations

from collections.abc import Iterator

from casework.record.facts import Facts, Proof
from portal.document import Clock, Document, Section
from portal.record import course, drawing, proof
from portal.sections import access, case, papers
from portal.sections.downloads import downloads
from portal.sections.front import document
from portal.words import Phrase, sentence, titled


def compose(facts: Facts, known: Proof) -> Document:
    """Return the record as a document.  The same facts and proof give the same document."""
    clock = Clock(facts.view.departure.timezone)
    return document(facts.view, _sections(facts, known, clock), *warnings(facts, known))


def warnings(facts: Facts, known: Proof) -> list[Phrase]:
    """Return what a reader must know before anything else of this record."""
    return [sentence("rehearsal")] * known.rehearsal + [sentence("as_it_stands")] * facts.view.as_it_stands


def _sections(facts: Facts, known: Proof, clock: Clock) -> Iterator[Section]:
    view = facts.view
    yield Section(*titled("timeline"), pictures=(drawing.timeline(facts, clock),))
    yield case.notice(view, clock)
    yield access.cutoffs(view, clock)
    yield access.truth_table(view, clock)
    yield case.findings(view, clock)
    yield case.waivers(view, clock)
    yield course.people(facts, clock)
    yield papers.nda(view.nda, clock)
    if view.nda.trade_secret:
        yield papers.trade_secret(view.nda.trade_secret)
    yield downloads(view, clock, erased=facts.erased_at is not None)
    yield access.accounts(view, clock)
    yield case.looks(view, clock)
    yield course.events(facts, clock)
    yield proof.proof(facts, known, clock)
    yield proof.verifying()
