"""A case as `lastday show CASE --json` gives it."""

from __future__ import annotations

from typing import Any

from casework.context import Context
from casework.view.case import Question
from casework.view.reading.case import case_view


def show(context: Context, case_id: str) -> dict[str, Any]:
    """Return the case in JSON's shape."""
    return case_view(context, case_id).model_dump(mode="json")


def open_questions(context: Context, case_id: str) -> list[Question]:
    """Return what a person is asked."""
    return [*case_view(context, case_id).questions]
