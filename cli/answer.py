"""`lastday answer`: a person decides what a run asked."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.errors import DONE, Refused
from cli.options import Revision
from cli.terminal import Terminal, say


def answer(
    terminal: Terminal,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question's id, as `lastday show CASE` gives it.")
    ],
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE:ID", help="An account that is the leaver's; may be repeated. ID alone if unambiguous."
        ),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="None of them is the leaver's.")] = False,
    take_back: Annotated[bool, typer.Option("--take-back", help="Take the answer back, and ask again.")] = False,
    reason: Annotated[str, typer.Option(help="What the decision rests on.")] = "",
    revision: Revision = None,
) -> int:
    """Say which of the doubtful accounts are the leaver's, the others are not; or take such an answer back."""
    from casework.matching import answering
    from cli.contexts import in_context
    from cli.orchestration import ask_for_runs

    if none + take_back + bool(account) != 1:
        raise Refused(
            "answer: needs one of --account SERVICE:ID, --none and --take-back",
            "See the candidates with `lastday show CASE`.",
        )
    if take_back:
        case = in_context(lambda context: answering.take_back(context, question, by=terminal.who, reason=reason))
        told = say(f"{case.id}: taken back, asked again.", f"{case.id}: 回答を取り消し、再び質問します。")
        terminal.answer({"case": case.id, "question": question, "taken_back": True}, told)
        ask_for_runs(terminal, case.id)
        return DONE
    chosen = list(account or [])
    case = in_context(
        lambda context: answering.answer(
            context, question, chosen=chosen, by=terminal.who, reason=reason, revision=revision
        )
    )
    told = say(
        f"{case.id}: recorded, {len(chosen)} accepted.", f"{case.id}: 記録しました({len(chosen)}件を本人と認定)。"
    )
    terminal.answer({"case": case.id, "question": question, "chosen": chosen}, told)
    ask_for_runs(terminal, case.id)
    return DONE
