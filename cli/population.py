"""`lastday population`: every departure of a period, for auditors.  `lastday verify-population`: compare its statement with the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from audit.secret_files import rewrite
from audit.verify.population import ENDING, StatementReport
from audit.verify.population import verify_population as prove
from audit.verify.report import UnreadableBundle, printable
from casework.context import Context
from casework.lifecycle import TAKEN_BACK
from casework.population import counting
from casework.population.facts import ListedCase, Population, PopulationDifference
from casework.record.exporting import stamper
from casework.settings import read_settings
from casework.trail.anchoring import berth
from casework.trail.signing import certificate_signer
from cli.contexts import in_context
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import Trust, day
from cli.tables import table
from cli.terminal import Terminal, advice, say, sentence
from portal import population as sheets


def population(
    terminal: Terminal,
    from_: Annotated[date, day("The first day of the period.", "--from")],
    to: Annotated[date, day("Its last day, included.", "--to")],
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the sheet here, and FILE.sigstore.json, signed and stamped, beside it.")
    ] = None,
    hr: Annotated[Path | None, typer.Option(metavar="FILE", help="HR's own list (CSV), to be held against the cases.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="Draw N cases; needs --seed.")] = None,
    seed: Annotated[str, typer.Option(metavar="WORDS", help="The auditor's own words: the same seed, the same sample.")] = "",
) -> int:  # fmt: skip
    """List who left in a period: HR's notices = cases = seen closed.  Exits with 1 if differences need explaining."""
    if (sample is None) != (not seed):
        raise CommandRefused(*advice("needs_seed"))

    def read(context: Context) -> tuple[Population, dict[str, str]]:
        found = counting.count(context, from_, to)
        if hr is not None:
            found = counting.compare(found, hr.read_bytes())
        if sample is not None:
            found = found.sampled(sample, seed)
        return found, _written(context, found, csv, by=terminal.actor)

    found, files = in_context(read)
    payload = {**sheets.statement(found), "accounts": list(sheets.lines(found)), "files": files}
    terminal.answer(payload, *_shown(found, files))
    return REMAINS if found.differences else DONE


def _written(context: Context, found: Population, csv: Path | None, *, by: str) -> dict[str, str]:
    """
    Write sheet and statement, which name people, with mode 0600; return their digests by path.

    Records the statement in the log before the files are in place; without *csv*, records that somebody looked.
    """
    if csv is None:
        counting.tell(context, found, by=by)
        return {}
    if not csv.name:
        raise CommandRefused(*advice("no_file", path=csv))
    settings, sheet, former = read_settings(), sheets.sheet(found), counting.former(context, found)
    stamp = stamper(berth(settings, context.store))
    signed = sheets.attest(found, csv.name, sheet, certificate_signer(settings), stamp, former)
    written = {csv: sheet, csv.with_name(csv.name + ENDING): signed}
    with _drafts(written):
        counting.tell(context, found, by=by, statement=signed, after=former)
    return {str(path): hashlib.sha256(content).hexdigest() for path, content in written.items()}


@contextmanager
def _drafts(written: Mapping[Path, bytes]) -> Iterator[None]:
    """Write each file to a draft beside it, and rename all drafts when the block ends.  Removes them after an exception."""
    if any("\0" in path.name for path in written):
        raise CommandRefused(*advice("no_file", path=next(iter(written))))
    drafts = {path.with_name(f".{path.name}.part"): path for path in written}
    try:
        for draft, path in drafts.items():
            if path.exists() and not path.is_file():
                raise CommandRefused(*advice("no_file", path=path))
            path.parent.mkdir(parents=True, exist_ok=True)
            with rewrite(draft) as file:
                file.write(written[path])
        yield
        for draft, path in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _shown(found: Population, files: dict[str, str]) -> Iterator[RenderableType]:
    counts = ((name.replace("_", " "), number) for name, number in found.tie_out.items())
    yield table("What", "Count", title=f"{found.from_on} – {found.to_on}", rows=counts)
    if found.differences:
        rows = ((d.side, d.subject, d.employee_no, say(d.text, d.text_ja)) for d in found.differences)
        yield table("What", "Case", "Employee", "Reason", title=sentence("differences"), rows=rows)
    if found.sample is not None:
        yield sentence("sample") + " ".join(found.sample.cases)
    yield from (f"{digest}  {path}" for path, digest in files.items())


def verify_population(
    terminal: Terminal,
    sheet: Annotated[Path, typer.Argument(metavar="FILE", help="The sheet; its statement lies beside it.")],
    log: Annotated[
        Path,
        typer.Option(metavar="DIR", help="checkpoint and entries.jsonl: a bundle's log/, or `lastday trail export`."),
    ],
    trust: Trust,
    hr: Annotated[Path | None, typer.Option(metavar="FILE", help="HR's own list (CSV), to be held against it.")] = None,
) -> int:
    """Compare a population's statement with the log, offline.  Exits with 0 as stated, 1 if differences are listed, 2 if it cannot be read."""
    try:
        found = prove(sheet, log, trust)
    except UnreadableBundle as exc:
        raise CommandRefused(
            str(exc), "Give the sheet, the log's folder, and the trust material as it came by another way."
        ) from exc
    differences = _held_against(found, hr.read_bytes()) if hr is not None and not found.wrong else ()
    stated = found.statement if not found.wrong else {}
    period = {name: stated.get(name) for name in ("from", "to")}
    terminal.answer(
        {
            "as_stated": not found.wrong,
            **period,
            "wrong": [asdict(one) for one in found.wrong],
            "notes": found.notes,
            "tie_out": stated.get("tie_out"),
            "hr_differences": [asdict(one) for one in differences],
        },
        *(printable(str(one)) for one in found.wrong),
        *(f"{d.subject}: {printable(say(d.text, d.text_ja))}" for d in differences),
        *(sentence("not_shown", one=printable(one)) for one in found.notes),
        *(f"{name}: {count}" for name, count in stated.get("tie_out", {}).items()),
        sentence("not_as_stated") if found.wrong else sentence("as_stated", **period, size=stated["log"]["size"]),
    )
    return REMAINS if found.wrong or differences else DONE


def _held_against(found: StatementReport, extract: bytes) -> tuple[PopulationDifference, ...]:
    """Return where HR's *extract* and the stated cases differ.  Adds notes: rows outside the period, another list than the statement's."""
    said = found.statement
    listed = [
        ListedCase(
            one["case"],
            one.get("employee_no", ""),
            date.fromisoformat(one["day"]),
            "salt" not in one,
            one["state"] in TAKEN_BACK,
        )
        for one in said["cases"]
    ]
    period = date.fromisoformat(said["from"]), date.fromisoformat(said["to"])
    known, differences = counting.held_against(listed, period, extract, kind_column=said["kind_column"])
    if outside := known.rows - known.in_period - known.unreadable:
        found.notes.append(f"{outside} rows of HR's list: outside {said['from']} to {said['to']}, or nobody leaves")
    if said["hr_extract"] and said["hr_extract"]["sha256"] != known.sha256:
        found.notes.append("HR's list: it is another one than the statement was held against")
    return differences
