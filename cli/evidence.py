"""`lastday evidence`: what was taken, by the services' own logs: how complete that is, why it is unusual, who may come back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.private_files import write_private
from cli.tables import Page, cells, local, table
from cli.terminal import Terminal, say

_MOST_EXITS = 40


def evidence(
    terminal: Terminal,
    case: CaseId,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the picture of downloads per day into FILE, as SVG.")
    ] = None,
) -> int:
    """Show what was collected, with folders and targets.  Each look is recorded.  Exits with 1 unless all is complete."""
    from casework.activity import showing

    shown = in_context(lambda context: showing.look(context, case, by=terminal.actor))
    if picture is not None and shown.get("picture"):
        write_private(picture, shown["picture"])
    terminal.answer({"case": case, "downloads": shown}, *([] if terminal.as_json else _page(shown)))
    return DONE if shown["state"] == "collected" else REMAINS


def _page(shown: dict[str, Any]) -> Page:
    if "sources" not in shown:
        return [say("Nothing has been collected yet.", "まだ何も取得されていません。")]
    parts: Page = [*_statements(shown["sources"]), *_caveats(shown["sources"])]
    parts += [say(said["text"], said["text_ja"]) for said in shown.get("risks", ())]
    if shown.get("verdict") == "nothing_unusual":
        parts += [say(said["text"], said["text_ja"]) for said in shown["summary"]]
    parts += [f"{quiet['service']}: {say(quiet['text'], quiet['text_ja'])}" for quiet in shown.get("silence", ())]
    return parts + _tables(shown)


def _statements(sources: list[dict[str, Any]]) -> Page:
    drawn = table(
        "service", "log", "look", "verdict", "from", "until", "oldest", "newest", "records", "pages", "digest"
    )
    for row in sources:
        times = [local(row[key]) if row[key] else "-" for key in ("from", "until", "oldest", "newest")]
        added = f" (+{row['difference']['late']} late)" if row["difference"] and row["difference"]["late"] else ""
        drawn.add_row(
            *cells(row["service"], row["source"], row["round"], say(row["text"], row["text_ja"]), *times),
            *cells(f"{row['records']:,}{added}", f"{row['pages']:,}", (row["sha256"] or "-")[:12]),
        )
    return [drawn]


def _caveats(sources: list[dict[str, Any]]) -> Page:
    """What a log never holds, or calls by another name: without it a count says more than it knows."""
    return [*dict.fromkeys(f"{row['service']}/{row['source']}: {said}" for row in sources for said in row["caveats"])]


def _tables(shown: dict[str, Any]) -> Page:
    parts: Page = []
    if shown.get("exits"):
        exits = ((e["kind"], local(e["at"]), e["service"], e["text"]) for e in shown["exits"][-_MOST_EXITS:])
        parts.append(table("way out", "made", "service", "to", rows=exits))
    if shown.get("folders"):
        folders = ((folder["folder"], f"{folder['count']:,}") for folder in shown["folders"])
        parts.append(table("busiest folder", "files", rows=folders))
    return parts
