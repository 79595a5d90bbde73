"""`lastday answer`: a person decides what a run asked."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.errors import DONE, Refused
from cli.options import As, AsJson
from cli.terminal import Terminal, say


def answer(
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question's id, as `lastday show CASE` gives it.")
    ],
    account: Annotated[list[str] | None, typer.Option(help="An account that is the leaver's; may be repeated.")] = None,
    none: Annotated[bool, typer.Option("--none", help="None of them is the leaver's.")] = False,
    reason: Annotated[str, typer.Option(help="What the decision rests on.")] = "",
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Say which of the doubtful accounts are the leaver's; the others are not."""
    from casework.decisions import questions as asking
    from cli.desks import at_desk
    from cli.orchestration import let_go_on

    if none == bool(account):
        raise Refused("answer: needs either --account ID or --none", "See the candidates with `lastday show CASE`.")
    terminal = Terminal.of(as_json=as_json, actor=actor)
    chosen = list(account or [])
    case = at_desk(lambda desk: asking.answer(desk, question, chosen=chosen, by=terminal.actor, reason=reason))
    told = say(
        f"{case.id}: recorded, {len(chosen)} accepted.", f"{case.id}: 記録しました({len(chosen)}件を本人と認定)。"
    )
    terminal.answer({"case": case.id, "question": question, "chosen": chosen}, told)
    let_go_on(terminal, case.id)
    return DONE
