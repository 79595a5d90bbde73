"""`lastday nda`: confidentiality papers of a case.  Nothing in here holds up a cut, or a close."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DONE, REMAINS, Refused
from cli.options import As, AsJson, CaseId
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from casework.context import Context
    from casework.nda.printing import Language
    from models.tables import Pledge

app = typer.Typer(
    help="Confidentiality papers (秘密保持誓約書): check, ask, record. They never delay a cut.", no_args_is_help=True
)
_SETTLED = frozenset({"signed", "refused"})


@app.command()
def check(case: CaseId, as_json: AsJson = False, actor: As = None) -> int:
    """Search the registers now and judge what is on file.  Exits with 1 unless every expected paper is signed or refused."""
    _check_again(case)
    return show(case, as_json, actor)


@app.command()
def show(case: CaseId, as_json: AsJson = False, actor: As = None) -> int:
    """Show the papers by the newest check, the pledge that was asked for, and the trade-secret tests."""
    from cli.nda_tables import nda_page

    terminal = Terminal.of(as_json=as_json, actor=actor)
    nda = _shown(case)
    terminal.answer({"case": case} | nda, *([] if as_json else nda_page(nda)))
    return DONE if nda["state"] in {*_SETTLED, "not_expected"} else REMAINS


@app.command()
def pledge(
    case: CaseId,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="OUT", help="Write the PDF to OUT, to be signed by hand, and send nothing."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="ja or en; by default policy's.")] = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """
    Send the exit pledge to the leaver through the register, once; or write it to a file.

    Exits with 1 while it is not sure that it was sent: the sweep sees to that.
    """
    terminal = Terminal.of(as_json=as_json, actor=actor)
    chosen = _language(language)
    made = _written(case, file, chosen, terminal.actor) if file is not None else _sent(case, chosen, terminal.actor)
    where = str(file) if file is not None else made.register_name
    payload = {"case": case, "state": str(made.state), "register": made.register_name, "sha256": made.sha256}
    told = say(f"{case}: exit pledge {made.state}: {where}", f"{case}: 退職時誓約書 {made.state}: {where}")
    terminal.answer(payload | {"file": str(file) if file is not None else None, "problem": made.problem}, told)
    return REMAINS if made.state == "intended" else DONE


@app.command()
def refuse(
    case: CaseId,
    witness: Annotated[str, typer.Option(metavar="NAME", help="Who was there when the person declined.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="The day on which the person declined.")],
    note: Annotated[str, typer.Option(help="What was said, if it matters.")] = "",
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Record that the leaver declined to sign, which is lawful.  Nobody asks again; earlier papers bind on."""
    from casework.nda import refusing
    from cli.cases import parse_day

    terminal = Terminal.of(as_json=as_json, actor=actor)
    day = parse_day("--on", on)
    row = _in_context(
        lambda context: refusing.refuse(context, case, witness=witness, on=day, note=note, by=terminal.actor)
    )
    _check_again(case)
    payload = {"case": case, "refusal": row.id, "witness": row.witness, "refused_on": str(row.refused_on)}
    told = say(f"{case}: declined on {row.refused_on}, recorded", f"{case}: {row.refused_on} の署名拒否を記録しました")
    terminal.answer(payload, told)
    return DONE


@app.command()
def accept(
    case: CaseId,
    paper: Annotated[str, typer.Argument(metavar="REGISTER:PAPER", help="A doubtful paper, as `nda show` lists it.")],
    reason: Annotated[str, typer.Option(help="By what you know whose paper it is.")],
    theirs: Annotated[bool, typer.Option("--theirs/--not-theirs", help="Whether it is the leaver's.")] = True,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Rule whose a doubtful paper is."""
    from casework.nda import refusing

    terminal = Terminal.of(as_json=as_json, actor=actor)
    row = _in_context(
        lambda context: refusing.rule(context, case, paper, theirs=theirs, reason=reason, by=terminal.actor)
    )
    _check_again(case)
    payload = {"case": case, "paper": paper, "theirs": row.theirs, "ruling": row.id}
    terminal.answer(payload, say(f"{paper}: ruled by {row.ruled_by}", f"{paper}: {row.ruled_by} が判断"))
    return DONE


@app.command()
def answer(
    case: CaseId,
    test: Annotated[str, typer.Argument(metavar="TEST", help="secrecy_management, usefulness or non_public.")],
    text: Annotated[str, typer.Option(help="The answer, in words.")],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Answer one of the three trade-secret tests (営業秘密の三要件)."""
    from casework.nda import trade_secret
    from models.vocabulary import TradeSecretTest

    terminal = Terminal.of(as_json=as_json, actor=actor)
    try:
        which = TradeSecretTest(test)
    except ValueError as exc:
        raise Refused(f"nda answer: {test} is none of the tests", f"Tests: {', '.join(TradeSecretTest)}.") from exc
    row = _in_context(lambda context: trade_secret.answer(context, case, which, text, by=terminal.actor))
    payload = {"case": case, "test": str(row.test), "answer": row.id, "by": row.answered_by}
    terminal.answer(payload, say(f"{row.test}: recorded", f"{row.test}: 記録しました"))
    return DONE


def _shown(case: str) -> dict[str, Any]:
    from casework.nda import showing

    def look(context: Context) -> dict[str, Any]:
        found = context.case(case)
        with context.store.read() as session:
            return showing.show(context, session, found)

    shown: dict[str, Any] = _in_context(look)
    return shown


def _in_context(work: Callable[[Context], Any]) -> Any:
    from cli.contexts import in_context

    return in_context(work)


def _check_again(case: str) -> None:
    """Check now; a register that is down, or that breaks, is a state of it."""
    from casework.nda import checking
    from cli.contexts import in_nda_context

    _in_context(lambda context: context.case(case))
    in_nda_context(lambda nda: checking.check_or_record(nda, case))


def _sent(case: str, language: Language | None, by: str) -> Pledge:
    from casework.nda import pledging
    from cli.contexts import in_nda_context

    return in_nda_context(lambda nda: pledging.send_pledge(nda, case, by=by, language=language))


def _written(case: str, out: Path, language: Language | None, by: str) -> Pledge:
    from casework.nda import pledging

    made: Pledge = _in_context(lambda context: pledging.write_pledge(context, case, out, by=by, language=language))
    return made


def _language(text: str | None) -> Language | None:
    match text:
        case None | "ja" | "en":
            return text
        case _:
            raise Refused("--language: is neither ja nor en", "Write ja or en, or leave it out.")
