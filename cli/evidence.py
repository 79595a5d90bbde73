"""`lastday evidence`: what was taken, by the services' own logs: how complete that is, why it is unusual, who may come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.private_files import write_private
from cli.tables import Page, local, table, unreadable
from cli.terminal import Terminal, say

if TYPE_CHECKING:
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

    shown = in_context(lambda context: look(context, case, by=terminal.actor)).downloads
    if picture is not None and shown.picture:
        write_private(picture, shown.picture)
    payload = {"case": case, "downloads": shown.model_dump(mode="json")}
    terminal.answer(payload, *([] if terminal.as_json else _page(shown)))
    return DONE if shown.state == "collected" and shown.verdict is not None else REMAINS


def _page(shown: Downloads) -> Page:
    if not shown.sources:
        return [say("Nothing has been collected yet.", "まだ何も取得されていません。")]
    parts: Page = [_statements(shown.sources), *_caveats(shown.sources), *unreadable(shown)]
    parts += [say(said.text, said.text_ja) for said in shown.risks or ()]
    if shown.verdict == "nothing_unusual":
        parts += [say(said.text, said.text_ja) for said in shown.summary]
    parts += [f"{quiet.connection}: {say(quiet.text, quiet.text_ja)}" for quiet in shown.silence]
    return parts + _tables(shown)


def _statements(sources: Sequence[Source]) -> Table:
    heads = ("service", "log", "look", "verdict", "from", "until", "oldest", "newest", "records", "pages", "digest")
    return table(*heads, rows=map(_statement, sources))


def _statement(row: Source) -> tuple[object, ...]:
    times = [local(moment) for moment in (row.from_at, row.until_at, row.oldest_at, row.newest_at)]
    added = f" (+{row.difference.late} late)" if row.difference and row.difference.late else ""
    counts = (f"{row.records:,}{added}", f"{row.pages:,}", (row.sha256 or "-")[:12])
    return row.connection, row.source, row.round, say(row.text, row.text_ja), *times, *counts


def _caveats(sources: Sequence[Source]) -> Page:
    """What a log never holds, or calls by another name: without it a count says more than it knows."""
    return [*dict.fromkeys(f"{row.connection}/{row.source}: {said}" for row in sources for said in row.caveats)]


def _tables(shown: Downloads) -> Page:
    parts: Page = []
    if shown.exits:
        exits = ((made.kind, local(made.at), made.connection, made.text) for made in shown.exits[-_MOST_EXITS:])
        parts.append(table("way out", "made", "service", "to", rows=exits))
    if shown.folders:
        folders = ((folder.folder, f"{folder.count:,}") for folder in shown.folders)
        parts.append(table("busiest folder", "files", rows=folders))
    return parts
