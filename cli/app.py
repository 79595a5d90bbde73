"""`lastday`: the verbs for a terminal.  Heavy imports wait until one runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import typer

from casework.visible import visible
from cli import anchor, keys, nda, trail
from cli.decisions import answer, approve, attest, pause, resume, retire, waive
from cli.demo import demo
from cli.depart import depart, leave, reschedule, withdraw
from cli.doctor import doctor
from cli.erase import erase, hold
from cli.errors import BAD_INPUT, Refused, refusal
from cli.evidence import evidence
from cli.export import export
from cli.migrate import migrate
from cli.options import verb
from cli.population import population
from cli.restore import come_back, restore
from cli.run import plan, run
from cli.show import show
from cli.sweep import sweep
from cli.tenants import tenants
from cli.terminal import advice, survive_narrow_streams, write_json
from cli.up import up
from cli.verify import verify

app = typer.Typer(
    name="lastday",
    help="Close every account of a leaver at the stated instant, look until it is seen closed, seal the record.",
    epilog="Exit codes: 0 done, 1 findings or questions remain, 2 bad input or settings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_PANELS: dict[str, dict[str, Callable[..., int | None]]] = {
    "HR's notices": {
        "depart": depart,
        "leave": leave,
        "return": come_back,
        "reschedule": reschedule,
        "withdraw": withdraw,
    },
    "Cases": {"plan": plan, "run": run, "show": show, "sweep": sweep, "restore": restore, "evidence": evidence},
    "Decisions": {"answer": answer, "approve": approve, "attest": attest, "waive": waive},
    "Emergency brake": {"pause": pause, "resume": resume},
    "Records": {"population": population, "export": export, "verify": verify, "hold": hold, "erase": erase},
    "Operation": {"doctor": doctor, "migrate": migrate, "up": up, "retire": retire, "tenants": tenants, "demo": demo},
}
_WITHOUT_SECRETS = {doctor, verify, tenants, demo}  # the doctor tells of open files instead of stopping
for _panel, _verbs in _PANELS.items():
    for _name, _work in _verbs.items():
        app.command(_name, rich_help_panel=_panel)(verb(_work, secrets=_work not in _WITHOUT_SECRETS))
app.add_typer(nda.app, name="nda", rich_help_panel="Cases")
app.add_typer(trail.app, name="trail", rich_help_panel="Operation")
app.add_typer(keys.app, name="keys", rich_help_panel="Operation")
app.add_typer(anchor.app, name="anchor", rich_help_panel="Operation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code.  What goes wrong is a sentence and a remedy, never a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    survive_narrow_streams()
    try:
        _require_text(given)
        return int(app(given, standalone_mode=False, obj=main) or 0)  # for `lastday demo`, which runs verbs
    except typer.TyperException as exc:  # the command line itself; without a message it was shown the help
        wrong = exc.format_message()
        return (
            _complain(Refused(wrong, "See `lastday --help`, or `lastday VERB --help`."), given) if wrong else BAD_INPUT
        )
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return _complain(refusal(exc), given)


def _require_text(given: Sequence[str]) -> None:
    """Refuse what is not UTF-8 on the command line: no file and no database can hold it."""
    try:
        "".join(given).encode()
    except UnicodeEncodeError:
        raise Refused(*advice("not_utf8")) from None


def _complain(told: Refused, given: Sequence[str]) -> int:
    if "--json" in given:
        write_json({"error": str(told), "remedy": told.remedy})
    sys.stderr.write(visible(f"lastday: {told}\n  {told.remedy}\n"))
    return told.code
