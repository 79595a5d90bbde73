"""`lastday evidence`: what was taken, by the services' own logs: how complete that is, why it is unusual, who may come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.private_files import write_private
from cli.tables import local, table, unreadable
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from casework.view.downloads import Downloads, Source

_MOST_EXITS = 40


def evidence(
    terminal: Terminal,
    case: CaseId,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the picture of downloads per day into FILE, as SVG.")
    ] = None,
) -> int:
    """Show what was collected, with folders and targets.  Each look is recorded.  Exits with 1 unless all is complete and summarised."""
    from casework.view.reading.case import look

    shown = in_context(look, case, by=terminal.actor).downloads
    if picture is not None and shown.picture:
        write_private(picture, shown.picture)
    payload = {"case": case, "downloads": shown.model_dump(mode="json")}
    terminal.answer(payload, *_page(shown))
    return DONE if shown.state == "collected" and shown.verdict is not None else REMAINS


def _page(shown: Downloads) -> Iterator[RenderableType]:
    if not shown.sources:
        yield say("Nothing has been collected yet.", "まだ何も取得されていません。")
        return
    yield _statements(shown.sources)
    # what a log never holds, or calls by another name: without it a count says more than it knows
    yield from dict.fromkeys(f"{row.connection}/{row.source}: {said}" for row in shown.sources for said in row.caveats)
    yield from unreadable(shown)
    told = (*(shown.risks or ()), *(shown.summary if shown.verdict == "nothing_unusual" else ()))
    yield from (say(said.text, said.text_ja) for said in told)
    yield from (f"{quiet.connection}: {say(quiet.text, quiet.text_ja)}" for quiet in shown.silence)
    if shown.exits:
        exits = ((made.kind, local(made.at), made.connection, made.text) for made in shown.exits[-_MOST_EXITS:])
        yield table("way out", "made", "service", "to", rows=exits)
    if shown.folders:
        yield table("busiest folder", "files", rows=((place.folder, f"{place.count:,}") for place in shown.folders))


def _statements(sources: Sequence[Source]) -> Table:
    heads = ("service", "log", "look", "verdict", "from", "until", "oldest", "newest", "records", "pages", "digest")
    return table(*heads, rows=map(_statement, sources))


def _statement(row: Source) -> tuple[object, ...]:
    times = [local(moment) for moment in (row.from_at, row.until_at, row.oldest_at, row.newest_at)]
    added = f" (+{row.difference.late} late)" if row.difference and row.difference.late else ""
    counts = (f"{row.records:,}{added}", f"{row.pages:,}", (row.sha256 or "-")[:12])
    return row.connection, row.source, row.round, say(row.text, row.text_ja), *times, *counts
