"""The checks of `lastday doctor` that find files of secrets which others may read: all of them, where a verb stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casework.settings import CaseworkSettings


def examine_files(settings: CaseworkSettings) -> list[dict[str, Any]]:
    """Return a row for each such file: "failed" for one of ours, "amber" for one that is not ours to change."""
    from casework.private_files import environment, find_open_files

    found = find_open_files(settings, environment())
    rows = [
        {"check": f"file: {f.path}", "state": "failed" if f.ours else "amber", "detail": f.text, "remedy": f.remedy}
        for f in found
    ]
    return rows or [{"check": "files", "state": "ok", "detail": None, "remedy": None}]
