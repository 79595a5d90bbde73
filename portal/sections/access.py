"""Sections on accounts: how they were found, when they were due and seen closed, and the truth table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from casework.view.access import Account, Match, TruthRow
from casework.view.case import CaseView
from casework.visible_text import visible
from portal.document import Cell, Clock, Grid, Section, Tone, cell, listing, tone_of, yes_or_no
from portal.words import Phrase, joined, place, said, titled

_FEW = 3
"""Up to this many similar rows are shown one by one; more are grouped."""
_NOTHING_TAKEN = said("No account was taken as the leaver's.")


def accounts(view: CaseView, clock: Clock) -> Section:
    """Every account that was considered, in every service that was searched."""
    searched = Grid(
        {"Service": 24, "Searched": 20, "Candidates": 12, "Problem": 44},
        tuple(
            (cell(place(s.connection)), clock(s.searched_at), cell(s.found), cell(s.problem, tone=Tone.OPEN))
            for s in view.searches
        ),
        empty=said("No service has been searched yet."),
    )
    considered = Grid(
        {"Service": 18, "Account": 32, "Why the leaver's": 20, "Decision": 14, "Decided by": 16},
        tuple(_candidate(account, clock) for account in view.accounts),
        empty=said("No account of this person was found."),
    )
    return Section(*titled("accounts"), grids=(searched, considered))


def _candidate(account: Account, clock: Clock) -> tuple[Cell, ...]:
    by_a_person = cell(account.decided_by, clock.text(account.decided_at))
    return (
        cell(place(account.connection)),
        cell(*dict.fromkeys((account.name, account.id))),
        cell(why(account.match)),
        cell(account.standing, tone=tone_of(account.standing, Tone.QUIET)),
        by_a_person if account.decided_by else cell(said("rule"), tone=Tone.QUIET),
    )


def why(match: Match) -> Phrase:
    """Return the facts and the contradictions; without either, the reason why it is a candidate."""
    against = [joined(": ", said("not"), fact) for fact in match.contradictions]
    return joined("; ", joined(", ", *(match.facts or [match.reason])), *against)


def cutoffs(view: CaseView, clock: Clock) -> Section:
    """For each account: due, commanded, effective cut-off, exposure, SLA."""
    columns = {"Account": 19, "Due": 14, "First commanded": 14, "Effective cut-off": 14, "Tokens dead by": 14, "Exposure": 9, "SLA": 8, "Met": 8}  # fmt: skip
    return listing("cutoffs", columns, (_cutoff(account, clock) for account in view.taken), _NOTHING_TAKEN)


def _cutoff(account: Account, clock: Clock) -> tuple[Cell, ...]:
    t = account.timing
    not_known = said("policy changed since")
    closed = clock(t.effective_cutoff_at, Tone.GOOD)
    return (
        cell(place(account.connection), account.name),
        clock(t.due_at),
        clock(t.commanded_at),
        cell(said("not closed"), tone=Tone.OPEN) if t.exposure_minutes is None else closed,
        clock(t.cut_effective_by),
        cell(minutes(t.exposure_minutes)),
        cell(not_known, tone=Tone.QUIET) if t.sla_minutes is None else cell(minutes(t.sla_minutes)),
        yes_or_no(t.sla_met, unknown=not_known if t.sla_minutes is None else said("not decided yet")),
    )


def minutes(count: int | None) -> Phrase:
    """Return a number of minutes; None as nothing."""
    return Phrase("") if count is None else Phrase(f"{count:,} min", f"{count:,}分")


def truth_table(view: CaseView, clock: Clock) -> Section:
    """Each entitlement of each account, in its last seen state."""
    grids = tuple(_truth(account, clock) for account in view.taken)
    back = tuple(_came_back(account, clock) for account in view.taken if account.came_back_at is not None)
    return Section(*titled("truth"), grids=grids or (Grid({"Account": 100}, ()),), notes=back)


def _truth(account: Account, clock: Clock) -> Grid:
    return Grid(
        {"Entitlement": 14, "What": 19, "State": 13, "Confirmed by": 11, "Commanded": 13, "Seen closed": 13, "Signed by, problem": 17},
        tuple(_row(rows, clock) for rows in _alike(account.entitlements)),
        empty=said("Its access has not been listed yet."),
        title=cell(joined(" · ", place(account.connection), account.name)),
    )  # fmt: skip


def _alike(rows: Iterable[TruthRow]) -> list[list[TruthRow]]:
    """Group more than three closed rows that differ only in name and in the time within a day.  Each other row is its own group."""
    groups: dict[tuple[object, ...], list[TruthRow]] = {}
    for row in rows:
        told, seen = row.detail, row.observed_at
        odd = row.id if seen is None or told.came_back_at is not None or row.cut_effective_by != seen else seen.date()
        alike = (
            row.kind,
            row.state,
            told.restored,
            row.confirmed_by,
            told.signed_by,
            told.statement,
            row.commanded_at is None,
            odd,
        )
        groups.setdefault(alike, []).append(row)
    return [part for group in groups.values() for part in ([group] if len(group) > _FEW else [[row] for row in group])]


def _row(rows: list[TruthRow], clock: Clock) -> tuple[Cell, ...]:
    row = rows[0]
    told, seen, lives_on = row.detail, row.observed_at, _lives_on(row, clock)
    return (
        cell(row.kind, *_times(rows)),
        _named(rows),
        _stands(row),
        cell(row.confirmed_by),
        cell(*_span(clock, [one.commanded_at for one in rows])),
        cell(
            *_span(clock, [one.observed_at for one in rows]), lives_on and joined(" ", said("tokens until"), lives_on)
        ),
        cell(
            told.came_back_at and joined(" ", said("came back"), clock.text(told.came_back_at)),
            joined(" — ", told.signed_by, told.statement),
            told.problem if seen is None else None,
            tone=Tone.QUIET,
        ),
    )


def _times(rows: list[TruthRow]) -> list[str]:
    return [f"×{len(rows)}"] if len(rows) > 1 else []


def _named(rows: list[TruthRow]) -> Cell:
    """Return the rows' names; for several rows the first and the last, with all of them folded."""
    names = sorted(row.what for row in rows)
    if len(names) == 1:
        return cell(names[0])
    return replace(cell(f"{names[0]} … {names[-1]}"), folded=tuple(map(visible, names)))


def _span(clock: Clock, moments: Iterable[datetime | None]) -> list[str]:
    """Return the first and the last of *moments*, once if they are the same second."""
    known = sorted(moment for moment in moments if moment is not None)
    return list(dict.fromkeys(map(clock.text, known[:1] + known[-1:])))


def _stands(row: TruthRow) -> Cell:
    """Return a row's state at the cut, and its outcome in a restore."""
    fate = row.detail.restored
    return cell(row.state, fate, tone=tone_of(fate or row.state))


def in_short(view: CaseView, clock: Clock) -> Section:
    """The truth table with one line for each row, and the account's name on its first line.  Commands and signatures are in the record."""
    columns = {"Account": 22, "Entitlement": 10, "What": 20, "State": 12, "Confirmed by": 12, "Seen closed": 12, "Tokens dead by": 12}  # fmt: skip
    rows = tuple(line for account in view.taken for line in _lines_of(account, clock))
    return replace(truth_table(view, clock), grids=(Grid(columns, rows, _NOTHING_TAKEN),))


def _lines_of(account: Account, clock: Clock) -> Iterator[tuple[Cell, ...]]:
    who = cell(place(account.connection), account.name)
    if not account.entitlements:
        yield who, cell(), cell(said("Its access has not been listed yet."), tone=Tone.QUIET)
    for rows in _alike(account.entitlements):
        row = rows[0]
        signed, lives_on = cell(joined(" · ", row.confirmed_by, row.detail.signed_by)), cell(_lives_on(row, clock))
        seen = cell(*_span(clock, [one.observed_at for one in rows]))
        yield who, cell(row.kind, *_times(rows)), _named(rows), _stands(row), signed, seen, lives_on
        who = Cell(())


def _lives_on(row: TruthRow, clock: Clock) -> str | None:
    """Return until when tokens may outlive the block, without the date if it is the block's; None if they do not."""
    seen, ends = clock.text(row.observed_at), clock.text(row.cut_effective_by)
    return None if not seen or ends == seen else ends.removeprefix(seen[: len("2026-11-30 ")])


def _came_back(account: Account, clock: Clock) -> Phrase:
    """Return when an account was seen open after it was seen closed, who opened it, and when it was cut again."""
    who, at = joined(" ", place(account.connection), account.name), clock.text(account.came_back_at)
    again = clock.text(account.timing.effective_cutoff_at)
    cut = Phrase(f"cut again at {again}", f"{again}に再停止") if again else said("not closed again yet")
    return Phrase(
        f"{who.en} came back: seen open at {at}, {cut.en}; {account.came_back_by.en}.",
        f"{who.ja or who.en}は{at}に再び有効と確認、{cut.ja}。{account.came_back_by.ja}。",
    )
