"""`lastday anchor`: a head of the trail, cosigned and stamped by others, now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS, Refused, complaint
from cli.options import As, AsJson
from cli.private_files import refuse_open_files
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from sqlmodel import Session

    from audit.anchoring import Outcome
    from audit.anchors import Anchor
    from audit.reading import Entry
    from casework.context import Context

app = typer.Typer(help="Let outsiders date the trail: witnesses cosign its head, an authority stamps it.")

_WORDS = {
    "nobody_outside": ("not anchored: nobody outside vouches", "アンカーなし: 外部の証人・時刻認証局が未設定です"),
    "busy": ("another process makes an anchor", "別の処理がアンカーを作成中です"),
    "not_due": ("nothing new to anchor", "新たにアンカーする記録はありません"),
}
_ADVICE = (
    "Set LASTDAY_WITNESS_POLICY_FILE and LASTDAY_TIMESTAMP_URLS (see .env.example).",
    "LASTDAY_WITNESS_POLICY_FILE と LASTDAY_TIMESTAMP_URLS を設定してください（.env.example 参照）。",
)


@app.callback(invoke_without_command=True)
def make(context: typer.Context, as_json: AsJson = False, actor: As = None) -> int:
    """
    Make an anchor now, and finish those that wait.  Safe at any time.

    Exits with 1 unless everything that the settings ask for was had: enough witnesses, and a stamp.
    """
    if context.invoked_subcommand is not None:
        return DONE
    from casework.trail import anchoring

    terminal = Terminal.of(as_json=as_json, actor=actor)
    refuse_open_files()
    with terminal.progress(1, say("asking witnesses and authorities", "証人と時刻認証局に依頼中")) as step:
        outcome = anchoring.anchor(at_once=True)
        step("")
    payload = _told(outcome)
    terminal.answer(payload, *_lines(outcome))
    return DONE if outcome.complete else REMAINS


def anchor_soon(terminal: Terminal) -> None:
    """Anchor a case that was closed just now, if somebody outside vouches; what keeps it from that is said, never raised."""
    from casework.trail import anchoring

    try:
        outcome = anchoring.anchor()
    except Exception as exc:
        told = complaint(exc)
        if told is None:
            raise
        terminal.say(f"{told.error}  {told.remedy}")
        return
    for problem in outcome.problems:
        terminal.say(problem)


@app.command()
def clear(
    reason: Annotated[str, typer.Option(help="What was found out about the other history.")],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Let signing go on after a witness's alarm.  The alarm stays on file, and the log tells that it was cleared."""
    from audit import anchoring
    from cli.contexts import in_context

    terminal = Terminal.of(as_json=as_json, actor=actor)

    def work(context: Context) -> int:
        with context.store.write() as session:
            return anchoring.clear(session.connection(), context.store.trail, terminal.actor, reason, context.actor)

    cleared = in_context(work)
    terminal.answer({"cleared": cleared}, say(f"{cleared} alarms cleared", f"{cleared} 件の警報を解除しました"))
    return DONE


@app.command("close-log")
def close_log(
    successor: Annotated[
        str, typer.Argument(metavar="ORIGIN", help="The next log's name: lastday.<company>/audit/<year>.")
    ],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """End the log: only its own anchors, exports and erasures may follow.  Run `lastday anchor` next, then `begin-log` in a new database."""
    from audit import rollover
    from audit.fields import SHAPES

    terminal = Terminal.of(as_json=as_json, actor=actor)
    if not SHAPES["next_log"](successor):
        raise Refused(
            f"anchor: {successor} is not a log's name", "Write lastday.<company>/audit/<year>, in small letters."
        )
    idx = _appended(
        lambda session, context: rollover.close(session.connection(), context.store.trail, successor, context.actor)
    )
    terminal.answer({"closed": True, "row": idx}, say(f"closed at row {idx}", f"{idx} 行目で記録を閉じました"))
    return DONE


@app.command("begin-log")
def begin_log(
    checkpoint: Annotated[Path, typer.Argument(help="The old log's last anchored checkpoint.", exists=True)],
    lost: Annotated[bool, typer.Option("--lost", help="Later entries were lost; the log was not closed.")] = False,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Write the first leaf of a new, empty log: it names the last head of the one before."""
    from audit import rollover

    terminal = Terminal.of(as_json=as_json, actor=actor)
    last = checkpoint.read_bytes()
    idx = _appended(
        lambda session, context: rollover.begin(
            session.connection(), context.store.trail, last, context.actor, lost=lost
        )
    )
    terminal.answer({"begun": True, "row": idx}, say("the new log has begun", "新しい記録を開始しました"))
    return DONE


def _appended(append: Callable[[Session, Context], Entry]) -> int:
    from cli.contexts import in_context

    def work(context: Context) -> int:
        with context.store.write() as session:
            return append(session, context).idx

    return in_context(work)


def _told(outcome: Outcome) -> dict[str, Any]:
    made = outcome.made
    return {
        "why": outcome.why,
        "anchor": None if made is None else _anchor(made),
        "finished": outcome.finished,
        "problems": list(outcome.problems),
        "complete": outcome.complete,
    }


def _anchor(made: Anchor) -> dict[str, Any]:
    return {
        "origin": made.origin,
        "size": made.size,
        "witnesses": list(made.witnesses),
        "quorum": made.quorum,
        "tsa_time": None if made.tsa_time is None else made.tsa_time.isoformat(),
        "checkpoint_sha256": made.checkpoint_sha256,
        "tsr_sha256": made.tsr_sha256,
        "recorded_idx": made.recorded_idx,
    }


def _lines(outcome: Outcome) -> list[str]:
    lines = list(outcome.problems)
    if outcome.why in _WORDS:
        lines.append(say(*_WORDS[outcome.why]))
    if outcome.why == "nobody_outside":
        lines.append(say(*_ADVICE))
    if outcome.finished:
        lines.append(say(f"{outcome.finished} earlier anchors finished", f"以前のアンカー {outcome.finished} 件を完了"))
    if outcome.made is not None:
        lines.append(sentence(outcome.made))
    return lines


def sentence(made: Anchor) -> str:
    """Say what an anchor has.  Rehearsal's witnesses bear their worth in their names."""
    names = ", ".join(made.witnesses) or "-"
    when = "-" if made.tsa_time is None else f"{made.tsa_time:%Y-%m-%d %H:%M:%S}Z"
    enough, too_few = say("quorum", "定足数を満たす"), say("NO QUORUM", "定足数不足")
    quorum = enough if made.quorum else too_few
    return say(
        f"{made.size} entries, cosigned by {names} ({quorum}), stamped {when}",
        f"{made.size} 件、連署 {names}（{quorum}）、時刻証明 {when}",
    )
