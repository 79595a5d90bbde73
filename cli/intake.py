"""Read a notice, open its cases and show the outcome: for the commands that report one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from casework.intake.csv_file import read_csv
from casework.intake.decoding import MOST_BYTES
from casework.intake.json_file import read_json
from casework.intake.kinds import KindRule
from casework.intake.notice import NoticeReading, NoticeRefusal
from casework.intake.opening import OpenedCase
from casework.intake.reading import read_options
from casework.intake.submission import SubmissionResult, open_cases
from casework.policy import load_policy
from casework.settings import read_settings
from cli.contexts import ask_for_runs, in_context
from cli.errors import BAD_INPUT, DONE, CommandRefused
from cli.show import in_short
from cli.tables import table
from cli.terminal import Terminal, advice, say, sentence


def submit(terminal: Terminal, given: Mapping[str, Any], *, leave: bool = False, **decided: Any) -> int:
    """
    Open cases from *given*, which is a CSV file, a JSON file or the fields of one person, and answer.  *decided*: see `open_cases`.
    Exits with 2 if anything was refused.  Raises `CommandRefused`.

    A kind typed beside a file is the kind of all its rows.  *leave*: the command itself implies the kind.
    """
    typed = {name: value for name, value in given.items() if value not in (None, [])}  # []: an option not given
    csv, from_json, for_real = (typed.pop(name, None) for name in ("csv", "from_json", "for_real"))
    reading = _read(csv, from_json, typed, "leave" if leave else typed.pop("kind", None), implied=leave)
    with terminal.progress(1, sentence("rows", count=reading.rows)):
        taken = in_context(open_cases, reading, reported_by=terminal.who, leave=leave, for_real=for_real, **decided)
    told = payload(reading, taken)
    terminal.answer(told, *page(told))
    if taken.opened:
        ask_for_runs(terminal)
    return BAD_INPUT if taken.refused else DONE


def _read(
    csv: Path | None, from_json: Path | None, typed: Mapping[str, Any], kind: str | None, *, implied: bool
) -> NoticeReading:
    if [csv is not None, from_json is not None, bool(typed)].count(True) != 1:
        raise CommandRefused(*advice("needs_notice"))
    kinds = KindRule(load_policy(read_settings().policy_file).intake.kind_column, kind, implied)
    if csv is not None:
        return read_csv(content(csv, "--csv"), kinds)
    if from_json is not None:
        return read_json(content(from_json, "--from-json"), kinds)
    return read_options(**typed, kind=kind)


def content(path: Path, option: str) -> bytes:
    """Return the bytes of *path*, at most one more than the limit, so that an endless file is refused by its size."""
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as exc:  # ValueError: a path with a NUL byte
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise CommandRefused(*advice("unreadable_file", option=option, why=why)) from exc


def payload(reading: NoticeReading, taken: SubmissionResult) -> dict[str, Any]:
    """
    Return the answer of `depart --json`.

    A row's outcome is there twice, as a value and as a key: `"outcome": "created"` and `"created": true`.
    """
    return {
        "cases": [_case(opened) for opened in taken.opened],
        "refused": [_refusal(refusal) for refusal in taken.refused],
        "same_rows": [{"row": row, "first_row": first} for row, first in reading.same.items()],
        "unknown_columns": list(reading.unknown_columns),
    }


def _case(opened: OpenedCase) -> dict[str, Any]:
    remark = opened.remark
    return in_short(opened.case) | {
        "outcome": opened.disposition,
        opened.disposition: True,
        "corrected": list(opened.corrected),
        "note": None if remark is None else {"code": remark.code, "text": say(*remark.said)},
    }


def _refusal(refusal: NoticeRefusal) -> dict[str, Any]:
    place = {"row": refusal.row, "column": refusal.column, "value": refusal.value, "code": refusal.code}
    return place | {"reason": say(*refusal.said), "remedy": say(*refusal.remedy)}


def page(told: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the answer for people."""
    if told["cases"]:
        yield table("Case", "Employee", "State", "Due", "For real", "Outcome", rows=map(_taken, told["cases"]))
        yield from (case["note"]["text"] for case in told["cases"] if case["note"] is not None)
    if told["refused"]:
        yield table("Row", "Column", "Value", "Reason", "Remedy", rows=map(_not_taken, told["refused"]))
        if not told["cases"]:
            yield sentence("nothing_taken")
    if told["unknown_columns"]:
        yield sentence("unknown_columns", names=", ".join(told["unknown_columns"]))


def _taken(case: Mapping[str, Any]) -> tuple[object, ...]:
    decided = sentence("yes") if case["for_real"] else sentence("plan_only")
    became = " ".join((case["outcome"], *case["corrected"]))
    return case["case"], case["employee_no"], case["state"], case["cut_at"], decided, became


def _not_taken(row: Mapping[str, Any]) -> tuple[object, ...]:
    where = sentence("whole_file") if row["row"] is None else row["row"]
    return where, row["column"], row["value"], row["reason"], row["remedy"]
