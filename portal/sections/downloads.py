"""Sections on the services' own logs of the time before the cut; they also name what was not collected."""

from __future__ import annotations

from collections.abc import Iterator

from casework.view.case import CaseView
from casework.view.downloads import CollectionPass, Downloads, Sentence, Silence
from models.vocabulary import Completeness
from portal.document import Cell, Clock, Grid, Section, Tone, cell, mono, state
from portal.sections import daily_chart
from portal.words import Phrase, joined, place, said, sentence, titled


def downloads(view: CaseView, clock: Clock, *, erased: bool = False) -> Section:
    """Every collection, with its completeness."""
    section, found = titled("downloads"), view.downloads
    if found.state == "not_collected":
        return Section(*section[:2], notes=(sentence("not_collected"),))
    caveats = dict.fromkeys(
        f"{place(row.connection).en}, {row.source}: {caveat}" for row in found.sources for caveat in row.caveats
    )
    return Section(
        *section,
        facts={"State": _state(found), **_not_begun(found)},
        pictures=tuple(filter(None, [daily_chart.picture(view)])),
        grids=(_sources(found, clock), _risks(found, erased=erased), *_more(found, clock)),
        notes=tuple(map(Phrase, caveats)),
    )


def in_short(view: CaseView, clock: Clock) -> Section:
    """What is unusual, and how complete the collections are; `lastday evidence` shows the rest."""
    found = view.downloads
    if not found.sources:
        return downloads(view, clock, erased=view.erased_at is not None)
    whole = sum(row.verdict is Completeness.COMPLETE for row in found.sources)
    return Section(
        *titled("downloads"),
        facts={
            "State": _state(found),
            "Complete readings of logs": cell(f"{whole} / {len(found.sources)}"),
            **_not_begun(found),
        },
        commands=(f"lastday evidence {view.case}",),
        notes=_summed_up(found, erased=view.erased_at is not None),
    )


def _summed_up(found: Downloads, *, erased: bool) -> tuple[Phrase, ...]:
    """Return the summary's first sentences, or, without a readable summary, that nothing is known."""
    if found.problem is not None or found.risks is None:
        return (_not_known(found, erased=erased),)
    return tuple(map(_both, found.summary))


def _state(found: Downloads) -> Cell:
    return cell(said(found.state.replace("_", " ")))


def _not_begun(found: Downloads) -> dict[str, Cell]:
    return {"Not begun to be read": cell(*found.not_begun, tone=Tone.OPEN)} if found.not_begun else {}


def _sources(found: Downloads, clock: Clock) -> Grid:
    return Grid(
        {"Source": 15, "Completeness": 19, "Window asked for": 16, "Oldest, newest": 16, "Records": 8, "Digests: content, file": 26},
        tuple(
            (
                cell(place(s.connection), s.source, said("later pass") if s.round > 1 else None),
                _completeness(s),
                cell(clock.text(s.from_at), clock.text(s.until_at)),
                cell(clock.text(s.oldest_at), clock.text(s.newest_at)),
                cell(f"{s.records:,}", *_read(s)),
                mono(s.content_sha256, s.sha256),
            )
            for s in found.sources
        ),
    )  # fmt: skip


def _read(s: CollectionPass) -> Iterator[Phrase]:
    """Yield what was read to get the count beside it."""
    yield Phrase(f"pages: {s.pages:,}", f"{s.pages:,}ページ")
    if s.duplicates:
        yield Phrase(f"duplicates left out: {s.duplicates:,}", f"重複除外{s.duplicates:,}件")


def _completeness(s: CollectionPass) -> Cell:
    """Return the verdict with the source's own words about its limits."""
    verdict = state(s.verdict)
    lag = None if s.lag is None else Phrase(f"lag {s.lag:,} s", f"遅延{s.lag:,}秒")
    kept = None if s.retention is None else Phrase(f"retention {s.retention:,} d", f"保持{s.retention:,}日")
    return cell(*verdict.lines, _both(s), s.difference and _both(s.difference), lag, kept, tone=verdict.tone)


def _risks(found: Downloads, *, erased: bool) -> Grid:
    """List what is unusual.  "Nothing" is shown only if a summary was read and says so."""
    clean = found.summary if found.verdict == "nothing_unusual" else ()
    nothing = said("Nothing stands out. People decide what that means.")
    return Grid(
        {"What stands out against the person's own baseline": 100},
        tuple((cell(_both(told)),) for told in (*(found.risks or ()), *clean)),
        empty=nothing if found.risks is not None else _not_known(found, erased=erased),
    )


def _not_known(found: Downloads, *, erased: bool) -> Phrase:
    if erased:
        return said("Erased with the personal data: nobody can say it any more.")
    if found.problem is not None:
        return joined(": ", said("Not known"), joined(" ", f"{found.problem}.", found.remedy))
    return said("Not known: nothing has been summarised yet.")


def _more(found: Downloads, clock: Clock) -> Iterator[Grid]:
    if found.counted:
        columns = {"Log": 35, "Records": 13, "The person's": 13, "Others'": 13, "Not understood": 13, "Told before": 13}
        rows = (
            (cell(one.log), *(cell(f"{number:,}") for number in (one.records, one.own, one.others, one.odd, one.again)))
            for one in found.counted
        )
        yield Grid(columns, tuple(rows))
    if found.strangers:
        named = tuple((cell(one.log), cell(one.name), cell(f"{one.records:,}")) for one in found.strangers)
        yield Grid({"Log": 35, "Under another name": 52, "Records": 13}, named)
    if found.counts:
        counted = tuple((cell(kind), cell(f"{number:,}")) for kind, number in found.counts.items())
        yield Grid({"What was done": 85, "Times": 15}, counted)
    if found.folders:
        yield Grid({"Folder": 85, "Taken": 15}, tuple((cell(f.folder), cell(f"{f.count:,}")) for f in found.folders))
    if found.exits:
        made = tuple((clock(e.at), cell(place(e.connection)), cell(e.kind), cell(e.text)) for e in found.exits)
        yield Grid({"When": 18, "Service": 18, "Way out": 18, "Leads to": 46}, made)
    if found.silence:
        silence = tuple((cell(place(s.connection)), cell(_both(s), *_apart(s))) for s in found.silence)
        yield Grid({"Service": 18, "Silence after the cut": 82}, silence)


def _apart(s: Silence) -> Iterator[Phrase]:
    """Yield events that do not count as activity: failed sign-ins, and what others did to the account."""
    if s.attempts:
        yield Phrase(f"sign-ins refused since: {s.attempts:,}", f"以後のサインイン拒否{s.attempts:,}件")
    if s.by_others:
        kinds = joined(", ", *(joined(" ×", one.kind, one.count) for one in s.by_others))
        yield joined(": ", said("By others, to the account"), kinds)


def _both(told: Sentence) -> Phrase:
    return Phrase(told.text, told.text_ja)
