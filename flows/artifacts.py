"""What Prefect's page shows of a case: services, kinds, states, counts and a bar.  No names, no ids of people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

import httpx
from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from casework import showing as casework_showing
from casework.context import Context
from casework.nda import showing as papers
from casework.showing import OpaqueQuestion, TruthRow

_BAR = 20


async def show_truth_table(context: Context, case_id: str) -> None:
    """
    Publish the case's truth table as it stands, as a new version of the artifact `truth-<case>`.

    A page that cannot be written never stops a cut: that is logged, and nothing is raised.
    """
    page = truth_page(
        casework_showing.progress(context, case_id),
        casework_showing.truth_table(context, case_id),
        casework_showing.open_questions(context, case_id),
        papers.states(context, case_id),
    )
    try:
        await acreate_markdown_artifact(page, key=f"truth-{case_id}", description="Observed, not commanded.")
    except httpx.HTTPError as exc:
        get_run_logger().warning("truth table: cannot be shown: %s", type(exc).__name__)


@asynccontextmanager
async def showing(context: Context, case_id: str) -> AsyncIterator[None]:
    """Show the truth table at the end, however the steps end."""
    try:
        yield
    finally:
        await show_truth_table(context, case_id)


def truth_page(
    progress: tuple[int, int],
    rows: Sequence[TruthRow],
    questions: Sequence[OpaqueQuestion],
    papers: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """Write the page, in Markdown."""
    settled, of_all = progress
    lines = [f"`{bar(settled, of_all)}` {settled} of {of_all} settled", ""]
    lines += ["| service | kind | state | confirmed by | count |", "|---|---|---|---|---|"]
    lines += [f"| {r.service} | {r.kind} | {r.state} | {r.confirmed_by or '-'} | {r.count} |" for r in rows]
    if questions:
        lines += ["", "**Open questions**: answer them with `lastday answer`.", ""]
        lines += [f"- `{question.id}` {question.kind}" for question in questions]
    if papers:
        lines += ["", "| confidentiality papers | count |", "|---|---|"]
        lines += [f"| {state} | {count} |" for state, count in papers.items()]
    return "\n".join(lines)


def bar(settled: int, of_all: int) -> str:
    """Draw the progress.  Full only when all is settled: it is rounded down.  No rows at all is no progress."""
    filled = _BAR * settled // of_all if of_all > 0 else 0
    return "█" * filled + "░" * (_BAR - filled)
