"""`lastday depart`: HR reports that people leave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from cli.errors import Refused
from cli.intake import Given, submit
from cli.options import As, AsJson, ForReal

Csv: TypeAlias = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="A CSV file, headers in English or Japanese; - is standard input."),
]
FromJson: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--from-json", metavar="FILE", help="A notice, a list of them, or {departures: [...]}; - is standard input."
    ),
]
Text: TypeAlias = str | None
Emails: TypeAlias = Annotated[
    list[str] | None, typer.Option("--other-emails", help="Another address; may be repeated.")
]
Kind: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="resignation, dismissal, contract_end …; of a file, the kind of all its rows where no column says it."
    ),
]
AtOnce: TypeAlias = Annotated[
    bool, typer.Option("--at-once", help="An emergency: cut this one person now; no later notice undoes it.")
]
AllOrNothing: TypeAlias = Annotated[
    bool, typer.Option("--all-or-nothing/--each-row", help="One bad row refuses all of them, or only itself.")
]


def depart(
    csv: Csv = None,
    from_json: FromJson = None,
    employee_no: Text = None,
    name: Text = None,
    kana: Text = None,
    romaji: Text = None,
    former_name: Text = None,
    email: Text = None,
    other_emails: Emails = None,
    last_working_at: Text = None,
    employment_ends_on: Text = None,
    kind: Kind = None,
    manager: Text = None,
    timezone: Text = None,
    all_or_nothing: AllOrNothing = True,
    at_once: AtOnce = False,
    for_real: ForReal = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """
    Report departures: a file, or one person by options.  The same notice twice is one case.

    Nothing is changed at a vendor unless the case says so (--for-real, or policy).
    """
    fields = {
        "employee_no": employee_no, "name": name, "kana": kana, "romaji": romaji, "former_name": former_name,
        "email": email, "other_emails": other_emails or None, "last_working_at": last_working_at,
        "employment_ends_on": employment_ends_on, "kind": kind, "manager": manager, "timezone": timezone,
    }  # fmt: skip
    if at_once and (csv is not None or from_json is not None):
        raise Refused("depart: --at-once is for one person, by options", "Report a dismissal, or that person, alone.")
    return submit(
        Given.of(csv, from_json, fields), all_or_nothing=all_or_nothing, for_real=for_real, as_json=as_json, actor=actor,
        at_once=at_once,
    )  # fmt: skip
