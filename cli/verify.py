"""`lastday verify`: a case's bundle, proved with what the auditor brought.  Needs no database, no network, no settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS, Refused
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from audit.verify import Report

_A_CENTURY = 24 * 36525
_AS_ASKED = ("sound, as far as it was asked", "求められた範囲で正常")
_IN_GAP = (
    "SOUND BUT FOR THE GAP: events of this case may be among what is missing",
    "欠落部分を除き正常: 本件の事象が欠落に含まれ得ます",
)
_LIMITS = (
    "This cannot show what was never written, nor the time before the first stamp: docs/verify.md.",
    "記録されなかった出来事と最初の時刻印より前の時刻は証明できません (docs/verify.md)。",
)


def verify(
    terminal: Terminal,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The bundle, as it was handed over.")],
    trust: Annotated[
        Path, typer.Option(metavar="DIR", help="log.vkey, policy, case.pub.pem and tsa-ca.pem, from another hand.")
    ],
    longest_lag: Annotated[float, typer.Option(metavar="HOURS", help="How long an event may have lain unsealed.")] = 26,
) -> int:
    """Prove a case's bundle offline: 0 sound, 1 broken (the first broken file is named) or older than a gap, 2 cannot be read."""
    from audit.verify import Unreadable
    from audit.verify import verify as prove

    if not 0 <= longest_lag <= _A_CENTURY:  # nor not a number
        raise Refused(f"--longest-lag: is not from 0 to {_A_CENTURY} hours", "Give the hours, as 26.")
    try:
        with terminal.progress(None, say("entries of the log", "ログの項目")) as bar:
            report = prove(folder, trust, longest_lag=timedelta(hours=longest_lag), progress=bar.reach)
    except Unreadable as exc:
        raise Refused(str(exc), "Give the bundle's folder, and the trust material as it came by another way.") from exc
    terminal.answer(_payload(report), *_shown(report))
    return DONE if report.sound and not report.in_gap else REMAINS


def _payload(report: Report) -> dict[str, Any]:
    from audit.verify import TITLES, Step

    broken = {fault.step: {"file": fault.file, "what": fault.what} for fault in report.faults}
    steps = [
        {
            "step": int(step),
            "question": TITLES[step][0],
            "holds": step in report.passed,
            "seen": report.passed.get(step),
            "broken": broken.get(step),
        }
        for step in Step
    ]
    first = report.first
    told = {"step": int(first.step), "file": first.file, "what": first.what} if first is not None else None
    gaps = [{"row": gap.row, "from_size": gap.from_size, "size": gap.size} for gap in report.gaps]
    named = {"case": report.case, "log": report.log, "size": report.size, "gaps": gaps, "in_gap": report.in_gap}
    return {**named, "sound": report.sound, "broken": told, "unasked": list(report.unasked), "steps": steps}


def _shown(report: Report) -> Iterator[str]:
    from audit.verify import TITLES, Step

    broken = {fault.step: f"{fault.file}: {fault.what}" for fault in report.faults}
    yield f"{report.case or '-'}  {report.log or '-'}"
    for step in Step:
        yield f"{step:>3d} {'x' if step in broken else 'ok':<3} {say(*TITLES[step])}"
        yield f"        {broken[step] if step in broken else report.passed[step]}"
    yield from (say(f"NOT SHOWN: {one}", f"未確認: {one}") for one in report.unasked)
    yield from (say(f"GAP at {gap}", f"欠落: {gap}") for gap in report.gaps)
    if report.first is not None:
        yield say(f"BROKEN: {report.first}", f"破損: {report.first}")
        return
    yield say(*(_IN_GAP if report.in_gap else _AS_ASKED if report.unasked else ("sound", "正常")))
    yield say(*_LIMITS)
