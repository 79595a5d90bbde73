"""`lastday verify`: verify a case's bundle with the auditor's own trust material.  Needs no database, no network, no settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from audit.verify import TITLES, BundleReport, PageMaker, UnreadableBundle, VerifyStep
from audit.verify import verify as prove
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import Trust
from cli.terminal import Terminal, advice, say, sentence

_A_CENTURY = 24 * 36525


def verify(
    terminal: Terminal,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The bundle, as it was handed over.")],
    trust: Trust,
    log: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A later state of the log: another bundle's log/, or `lastday trail export`."),
    ] = None,
    longest_lag: Annotated[float, typer.Option(metavar="HOURS", help="How long an event may have lain unsealed.")] = 26,
) -> int:
    """Verify a case's bundle offline.  Exits with 0 if sound, 1 if broken (the first broken file is named) or older than a gap, 2 if unreadable."""
    if not 0 <= longest_lag <= _A_CENTURY:  # also refuses NaN
        raise CommandRefused(*advice("no_lag", most=_A_CENTURY))
    from portal.record.pages import made_by
    from portal.record.reviewing import unlike

    try:
        with terminal.progress(None, sentence("reading_entries")) as bar:
            report = prove(
                folder, trust, longest_lag=timedelta(hours=longest_lag), progress=bar.reach,
                again=PageMaker(made_by(), unlike), log=log,
            )  # fmt: skip
    except UnreadableBundle as exc:
        raise CommandRefused(
            str(exc), "Give the bundle's folder, and the trust material as it came by another way."
        ) from exc
    terminal.answer(_payload(report), *_shown(report))
    return DONE if report.sound and not report.in_gap else REMAINS


def _payload(report: BundleReport) -> dict[str, Any]:
    broken = {fault.step: {"file": fault.file, "what": fault.what} for fault in report.faults}
    steps = [
        {
            "step": int(step),
            "question": TITLES[step][0],
            "holds": step in report.passed,
            "seen": report.passed.get(step),
            "broken": broken.get(step),
        }
        for step in VerifyStep
    ]
    told = asdict(report.first) if report.first is not None else None
    gaps = [{"row": gap.row, "from_size": gap.from_size, "size": gap.size} for gap in report.gaps]
    named = {"case": report.case, "log": report.log, "size": report.size, "gaps": gaps, "in_gap": report.in_gap}
    return {**named, "sound": report.sound, "broken": told, "verdict": [english for english, _ in report.verdict],
            "unasked": list(report.unasked), "steps": steps}  # fmt: skip


def _shown(report: BundleReport) -> Iterator[str]:
    broken = {fault.step: f"{fault.file}: {fault.what}" for fault in report.faults}
    yield f"{report.case or '-'}  {report.log or '-'}"
    for step in VerifyStep:
        yield f"{step:>3d} {'x' if step in broken else 'ok':<3} {say(*TITLES[step])}"
        yield f"        {broken[step] if step in broken else report.passed[step]}"
    yield from (say(*line) for line in report.verdict)
    yield from (sentence("not_shown", one=one) for one in report.unasked)
    yield from (sentence("gap", gap=gap) for gap in report.gaps)
    if report.first is not None:
        yield sentence("broken", first=report.first)
        return
    yield sentence("sound_but_gap" if report.in_gap else "sound_as_asked" if report.unasked else "sound")
    yield sentence("never_shown")
