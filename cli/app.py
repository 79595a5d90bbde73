"""`lastday`: the commands.  Imports only the module of the command that is called, because all of them take seconds."""

from __future__ import annotations

import ast
import sys
from collections.abc import Container, Sequence
from importlib import import_module
from pathlib import Path

import typer

from casework.visible_text import visible
from cli.errors import BAD_INPUT, CommandRefused, refusal
from cli.options import verb
from cli.terminal import advice, survive_narrow_streams, write_json

_PANELS = {
    "HR's notices": ("depart.depart", "depart.leave", "restore.return_", "depart.reschedule", "depart.withdraw"),
    "Cases": ("run.plan", "run.run", "show.show", "run.sweep", "restore.restore", "show.evidence", "nda"),
    "Decisions": ("decisions.answer", "decisions.approve", "decisions.attest", "decisions.waive"),
    "Emergency brake": ("decisions.pause", "decisions.resume"),
    "Records": ("population.population", "record.export", "verify.verify", "population.verify_population", "record.hold", "record.erase"),
    "Operation": (
        "operation.health", "doctor.doctor", "operation.migrate", "operation.up", "decisions.retire", "demo.tenants", "demo.demo",
        "trail", "keys", "anchor",
    ),
}  # fmt: skip
"""Module and function of each command; a module alone is a group of commands, its `app`."""
_WITHOUT_SECRETS = {
    "doctor",
    "verify",
    "verify-population",
    "tenants",
    "demo",
}  # `doctor` reports open files instead of stopping


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.  A foreseen error is printed as a sentence and a remedy, without a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    survive_narrow_streams()
    try:
        _require_text(given)
        return int(app_for(given)(given, standalone_mode=False, obj=main) or 0)  # obj: for `lastday demo`
    except typer.TyperException as exc:  # a wrong command line; without a message typer has shown the help
        wrong = exc.format_message()
        return (
            _complain(CommandRefused(wrong, "See `lastday --help`, or `lastday VERB --help`."), given)
            if wrong
            else BAD_INPUT
        )
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as exc:  # noqa: BLE001  # `refusal` raises an unforeseen error again
        return _complain(refusal(exc), given)


def app_for(words: Container[str]) -> typer.Typer:
    """Return the commands.  A command that is not among *words* is not called, and gets only its summary."""
    app = typer.Typer(
        name="lastday",
        help="Close every account of a leaver at the stated instant, look until it is seen closed, seal the record.",
        epilog="Exit codes: 0 done, 1 findings or questions remain, 2 bad input or settings.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for panel, places in _PANELS.items():
        for module, _, function in (place.partition(".") for place in places):
            name = (function or module).rstrip("_").replace("_", "-")
            if name not in words:
                app.command(name, rich_help_panel=panel, help=_summary(module, function))(lambda: None)
                continue
            found = import_module(f"cli.{module}")
            if function:
                work = verb(getattr(found, function), secrets=name not in _WITHOUT_SECRETS)
                app.command(name, rich_help_panel=panel)(work)
            else:
                app.add_typer(found.app, name=name, rich_help_panel=panel)
    return app


def _summary(module: str, function: str) -> str | None:
    """Return the docstring of the command, or of the group's module, without importing it."""
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_bytes())
    verbs = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return ast.get_docstring(verbs[function] if function else tree)


def _require_text(given: Sequence[str]) -> None:
    """Raise `CommandRefused` if the command line is not UTF-8: no file and no database can store it."""
    try:
        "".join(given).encode()
    except UnicodeEncodeError:
        raise CommandRefused(*advice("not_utf8")) from None


def _complain(told: CommandRefused, given: Sequence[str]) -> int:
    if "--json" in given:
        write_json({"error": str(told), "remedy": told.remedy})
    sys.stderr.write(visible(f"lastday: {told}\n  {told.remedy}\n"))
    return told.code
