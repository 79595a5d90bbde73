"""What all tests share; and `make chaos` ends with a table: each fault, how long recovery took, and what was lost."""

from __future__ import annotations

import gc
import os

import pytest

HEADS = ("fault", "last sign-in cut after", "all as without it after", "lost")
FAULT = "fault"
"""The property under which a test records a line of it."""


# a look at all two million objects of the SDKs takes half a second, and an eighth of the CPU went there
gc.set_threshold(*gc.get_threshold()[:2], 200)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have recorded of faults; nothing where none was."""
    reports = (one for name in ("passed", "failed") for one in terminalreporter.getreports(name))
    rows = [tuple(told) for one in reports if one.when == "call" for name, told in one.user_properties if name == FAULT]
    if not rows:
        return
    widths = [max(len(row[n]) for row in (HEADS, *rows)) for n in range(len(HEADS))]
    terminalreporter.section(f"faults, on {os.cpu_count()} cores under a load of {os.getloadavg()[2]:.0f}")
    for row in (HEADS, *rows):
        terminalreporter.write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
