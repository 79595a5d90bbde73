"""Anchor the trail: witnesses cosign its head, and an authority stamps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from audit import rollover
from audit.anchoring import AnchoringOutcome
from audit.anchoring import clear as clear_alarms
from audit.anchors import Anchor
from audit.fields import SHAPES
from casework.trail import anchoring
from cli.contexts import ACTOR, in_log
from cli.errors import DONE, REMAINS, CommandRefused, refusal
from cli.options import group, refuse_open_files, verb
from cli.terminal import Terminal, advice, sentence

_TOLD = ("origin", "size", "witnesses", "quorum", "checkpoint_sha256", "tsr_sha256", "tsa_time", "recorded_idx")


def make(terminal: Terminal, context: typer.Context) -> int:
    """
    Make an anchor now, and finish incomplete ones.  Safe at any time.

    Exits with 1 unless the anchor has all that the settings ask for: enough witnesses, and a stamp.
    """
    if context.invoked_subcommand is not None:
        return DONE
    refuse_open_files()
    with terminal.progress(1, sentence("asking_outsiders")) as step:
        outcome = anchoring.anchor(at_once=True)
        step("")
    payload = {
        "why": outcome.why,
        "anchor": None if outcome.made is None else {name: getattr(outcome.made, name) for name in _TOLD},
        "finished": outcome.finished,
        "problems": list(outcome.problems),
        "complete": outcome.complete,
    }
    terminal.answer(payload, *_lines(outcome))
    return DONE if outcome.complete else REMAINS


def anchor_soon(terminal: Terminal) -> None:
    """Anchor a case that was closed just now, if witnesses or an authority are set.  Problems are printed, not raised."""
    try:
        outcome = anchoring.anchor()
    except Exception as exc:  # noqa: BLE001  # `refusal` raises an unforeseen error again
        told = refusal(exc)
        terminal.say(f"{told}  {told.remedy}")
        return
    for problem in outcome.problems:
        terminal.say(problem)


def clear(
    terminal: Terminal,
    reason: Annotated[str, typer.Option(help="What was found out about the other history.")],
) -> None:
    """Let signing go on after a witness's alarm.  The alarm stays on file, and the log records that it was cleared."""
    count = in_log(lambda trail, log: clear_alarms(log, trail, terminal.actor, reason, ACTOR), write=True)
    terminal.report("alarms_cleared", cleared=count)


def close_log(
    terminal: Terminal,
    successor: Annotated[
        str, typer.Argument(metavar="ORIGIN", help="The next log's name: lastday.<company>/audit/<year>.")
    ],
) -> None:
    """Close the log: only its own anchors, exports and erasures may follow.  Run `lastday anchor` next, then `begin-log` in a new database."""
    if not SHAPES["next_log"](successor):
        raise CommandRefused(*advice("no_log_name", name=successor))
    closed = in_log(lambda trail, log: rollover.close(log, trail, successor, ACTOR), write=True)
    terminal.report("log_closed", closed=True, row=closed.idx)


def begin_log(
    terminal: Terminal,
    checkpoint: Annotated[Path, typer.Argument(help="The old log's last anchored checkpoint.", exists=True)],
    lost: Annotated[bool, typer.Option("--lost", help="Later entries were lost; the log was not closed.")] = False,
) -> None:
    """Write the first leaf of a new, empty log: it names the last head of the former log."""
    former = checkpoint.read_bytes()
    begun = in_log(lambda trail, log: rollover.begin(log, trail, former, ACTOR, lost=lost), write=True)
    terminal.report("log_begun", begun=True, row=begun.idx)


def _lines(outcome: AnchoringOutcome) -> Iterator[str]:
    yield from outcome.problems
    if outcome.why in {"nobody_outside", "busy", "not_due"}:
        yield from filter(None, advice(outcome.why))
    if outcome.finished:
        yield sentence("anchors_finished", count=outcome.finished)
    if outcome.made is not None:
        yield anchored(outcome.made)


def anchored(made: Anchor) -> str:
    """Describe an anchor: size, witnesses, quorum, stamp.  A rehearsal's witnesses have "rehearsal" in their names."""
    names = ", ".join(made.witnesses) or "-"
    when = "-" if made.tsa_time is None else f"{made.tsa_time:%Y-%m-%d %H:%M:%S}Z"
    quorum = sentence("quorum") if made.quorum else sentence("no_quorum")
    return sentence("anchored", size=made.size, names=names, quorum=quorum, when=when)


app = group(__doc__, clear, close_log, begin_log)
app.callback(invoke_without_command=True, no_args_is_help=False)(verb(make, secrets=False))
