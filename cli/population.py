"""`lastday population`: every departure of a period, for auditors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from audit.secret_files import rewrite
from casework.context import Context
from casework.population import counting
from casework.population.facts import Population
from casework.settings import read_settings
from casework.trail.signing import certificate_signer
from cli.contexts import in_context
from cli.errors import DONE, REMAINS, Refused
from cli.options import day
from cli.tables import table
from cli.terminal import Terminal, advice, say, sentence
from portal import population as sheets


def population(
    terminal: Terminal,
    from_: Annotated[date, day("The first day of the period.", "--from")],
    to: Annotated[date, day("Its last day, included.", "--to")],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the sheet here, and FILE.dsse.json, signed, beside it.")
    ] = None,
    hr: Annotated[Path | None, typer.Option(metavar="FILE", help="HR's own list (CSV), to be held against the cases.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="Draw N cases; needs --seed.")] = None,
    seed: Annotated[str, typer.Option(metavar="WORDS", help="The auditor's own words: the same seed, the same sample.")] = "",
) -> int:  # fmt: skip
    """List who left in a period: HR's notices = cases = seen closed.  Exits with 1 if differences need explaining."""
    if (sample is None) != (not seed):
        raise Refused(*advice("needs_seed"))

    def read(context: Context) -> Population:
        found = counting.count(context, from_, to)
        if hr is not None:
            found = counting.compare(found, hr.read_bytes(), kind_column=context.policy.intake.kind_column)
        if sample is not None:
            found = found.sampled(sample, seed)
        counting.tell(context, found, by=terminal.actor)
        return found

    found = in_context(read)
    files = _write(found, csv) if csv is not None else {}
    payload = {**sheets.statement(found), "accounts": list(sheets.lines(found)), "files": files}
    terminal.answer(payload, *_shown(found, files))
    return REMAINS if found.differences else DONE


def _write(found: Population, csv: Path) -> dict[str, str]:
    """Write sheet and statement, which name people, for their owner alone; return their digests by name."""
    sheet = sheets.sheet(found)
    signed = sheets.attest(found, csv.name, sheet, certificate_signer(read_settings()))
    csv.parent.mkdir(parents=True, exist_ok=True)
    written = {csv: sheet, csv.with_name(f"{csv.name}.dsse.json"): signed}
    for path, content in written.items():
        with rewrite(path) as file:
            file.write(content)
    return {str(path): hashlib.sha256(content).hexdigest() for path, content in written.items()}


def _shown(found: Population, files: dict[str, str]) -> Iterator[RenderableType]:
    counts = ((name.replace("_", " "), number) for name, number in found.tie_out.items())
    yield table("What", "Count", title=f"{found.from_on} – {found.to_on}", rows=counts)
    if found.differences:
        rows = ((d.side, d.subject, d.employee_no, say(d.text, d.text_ja)) for d in found.differences)
        yield table("What", "Case", "Employee", "Reason", title=sentence("differences"), rows=rows)
    if found.sample is not None:
        yield sentence("sample") + " ".join(found.sample.cases)
    yield from (f"{digest}  {path}" for path, digest in files.items())
