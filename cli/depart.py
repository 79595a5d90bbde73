"""`lastday depart` and `lastday leave`: HR reports that people leave, or are away for a while (休職)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypedDict, Unpack

import typer

from cli.errors import Refused
from cli.intake import read, submit
from cli.options import ForReal
from cli.terminal import Terminal, advice

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
AllOrNothing: TypeAlias = Annotated[
    bool, typer.Option("--all-or-nothing/--each-row", help="One bad row refuses all of them, or only itself.")
]


class Absence(TypedDict):
    """One person's notice of leave, an option a field."""

    employee_no: str | None
    name: str | None
    kana: str | None
    romaji: str | None
    former_name: str | None
    email: str | None
    other_emails: Annotated[list[str] | None, typer.Option("--other-emails", help="Another address; may be repeated.")]
    last_working_at: str | None
    manager: str | None
    timezone: str | None


class Departure(Absence):
    """One person's notice of departure."""

    employment_ends_on: str | None
    kind: Annotated[
        str | None,
        typer.Option(
            help="resignation, dismissal, contract_end …; of a file, the kind of all its rows where no column says it."
        ),
    ]


def depart(
    terminal: Terminal,
    csv: Csv = None,
    from_json: FromJson = None,
    all_or_nothing: AllOrNothing = True,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="An emergency: cut this one person now; no later notice undoes it.")
    ] = False,
    for_real: ForReal = None,
    **fields: Unpack[Departure],
) -> int:
    """
    Report departures: a file, or one person by options.  The same notice twice is one case.

    Nothing is changed at a vendor unless the case says so (--for-real, or policy).
    """
    of_file = csv is not None or from_json is not None
    if at_once and of_file:
        raise Refused(*advice("at_once_alone"))
    typed = _typed(fields)
    kind = str(typed.pop("kind")) if of_file and "kind" in typed else None  # beside a file it is the file's
    reading = read(csv, from_json, typed, kind)
    return submit(terminal, reading, all_or_nothing=all_or_nothing, for_real=for_real, at_once=at_once)


def leave(
    terminal: Terminal,
    csv: Csv = None,
    from_json: FromJson = None,
    all_or_nothing: AllOrNothing = True,
    for_real: ForReal = None,
    **fields: Unpack[Absence],
) -> int:
    """
    Report leaves of absence: access is disabled after the last working day and given back by `lastday return`.

    Nothing is ever deleted or taken apart.
    """
    typed = _typed(fields)
    reading = read(csv, from_json, typed | {"kind": "leave"} if typed else {}, "leave", implied=True)
    return submit(terminal, reading, all_or_nothing=all_or_nothing, for_real=for_real, leave=True)


def _typed(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Leave out what was not typed: None, or an empty list for what may be repeated."""
    return {name: value for name, value in fields.items() if value not in (None, [])}
