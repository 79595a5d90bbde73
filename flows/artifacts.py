"""A case's page in Prefect: services, kinds, states, counts and a bar.  No names, no ids of people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from casework.context import Context
from casework.question_kinds import KINDS
from casework.view.prefect_view import OpaqueView, opaque_view
from flows.redaction import boundary

_BAR = 20
_WRITTEN_WITHIN = 5.0


async def show_truth_table(context: Context, case_id: str) -> None:
    """
    Publish the case's present truth table as a new version of the artifact `truth-<case>`.

    Raises nothing: an error, or a write of more than 5 s, is logged, because no page may stop a cut.
    """
    try:
        with boundary():
            page = truth_page(opaque_view(context, case_id))
            async with asyncio.timeout(_WRITTEN_WITHIN):
                await acreate_markdown_artifact(page, key=f"truth-{case_id}", description="Observed, not commanded.")
    except Exception as told:  # noqa: BLE001  # the cut goes on after any error of a page
        get_run_logger().warning("truth table: cannot be shown: %s", told)


@asynccontextmanager
async def showing(context: Context, case_id: str) -> AsyncIterator[None]:
    """Show the truth table at the end, however the steps end."""
    try:
        yield
    finally:
        await show_truth_table(context, case_id)


def truth_page(view: OpaqueView) -> str:
    """Write the page, in Markdown."""
    lines = [f"`{bar(view.settled, view.rows)}` {view.settled} of {view.rows} settled", ""]
    paused = f"**Paused** since {view.paused_at:%Y-%m-%d %H:%M:%S} UTC. " if view.paused_at is not None else ""
    lines += [f"{paused}Cancelling this run stops nothing; `lastday pause CASE` does.", ""]
    lines += ["| service | kind | state | confirmed by | count |", "|---|---|---|---|---|"]
    lines += [f"| {r.connection} | {r.kind} | {r.state} | {r.confirmed_by or '-'} | {r.count} |" for r in view.truth]
    if view.questions:
        lines += ["", "**Open questions**, each with its command", ""]
        lines += [f"- `{question.id}` {question.kind}: `{KINDS[question.kind].verb}`" for question in view.questions]
    if view.papers:
        lines += ["", "| confidentiality papers | count |", "|---|---|"]
        lines += [f"| {paper.kind or 'unknown'} {paper.state} | {paper.count} |" for paper in view.papers]
    return "\n".join(lines)


def bar(settled: int, of_all: int) -> str:
    """Draw the progress, rounded down: full only when all is settled, empty without rows."""
    filled = _BAR * settled // of_all if of_all > 0 else 0
    return "█" * filled + "░" * (_BAR - filled)
