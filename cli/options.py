"""Options that all commands share, and the wrapper that makes a function a command."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeAlias, get_args, get_type_hints

import typer

from cli.terminal import Terminal, say
from models.actor import os_user

CaseId: TypeAlias = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as `lastday show` lists it.")]
Revision: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Of the question that you saw, by default the first; refused if it has changed since."),
]
Trust: TypeAlias = Annotated[
    Path, typer.Option(metavar="DIR", help="log.vkey, policy, case.pub.pem and tsa-ca.pem, from another hand.")
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON on standard output, and nothing else there.")
]
_As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="PERSON", help="Who acts; by default the user of this machine.")
]
_OF_EVERY_VERB = (
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_AsJson),
    inspect.Parameter("actor", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_As),
)


def day(summary: str, *names: str) -> Any:
    """Return an option that takes a date in any form that a notice may use."""
    return typer.Option(*names, parser=_parse_day, metavar="DATE", help=summary)


def _parse_day(text: str) -> date:
    from casework.intake.dates import parse_day
    from casework.intake.notice import Flaw

    try:
        return parse_day(text)
    except Flaw as flaw:
        raise typer.BadParameter(f"{say(*flaw.refusal.said)}  {say(*flaw.refusal.remedy)}") from flaw


def verb(work: Callable[..., int | None], *, secrets: bool = True) -> Callable[..., int | None]:
    """
    Return *work* as a typer command: its first parameter, a `Terminal`, becomes the options `--json` and `--as`.
    *work* returns the exit code, or None for 0.  With *secrets*, the command first calls `refuse_open_files`.

    Each field of `**fields: Unpack[...]` becomes an option, None if it is not given.
    """
    signature = inspect.signature(work, eval_str=True)
    _, *own = (option for parameter in signature.parameters.values() for option in _options(parameter))

    @functools.wraps(work)
    def command(*, as_json: bool, actor: str | None, **given: Any) -> int | None:
        if secrets:
            refuse_open_files()
        return work(Terminal(as_json, (actor or "").strip() or os_user()), **given)

    taken = [*own, *_OF_EVERY_VERB]
    command.__signature__ = signature.replace(parameters=taken)  # type: ignore[attr-defined]  # typer reads it here
    command.__annotations__ = {option.name: option.annotation for option in taken}
    return command


def refuse_open_files() -> None:
    """Raise `Misconfigured` if others may read or change this user's files of secrets; warn of another user's files."""
    from casework import private_files

    for file in private_files.refuse_open_files():
        sys.stderr.write(f"lastday: warning: {file.text}\n  {file.remedy}\n")


def group(summary: str, *verbs: Callable[..., int | None]) -> typer.Typer:
    """Return a group of commands; each has its function's name as the second word."""
    app = typer.Typer(help=summary, no_args_is_help=True)
    for work in verbs:
        app.command(work.__name__.rstrip("_").replace("_", "-"))(verb(work))
    return app


def _options(parameter: inspect.Parameter) -> Iterator[inspect.Parameter]:
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        (fields,) = get_args(parameter.annotation)
        for name, annotation in get_type_hints(fields, include_extras=True).items():
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
    else:
        yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
