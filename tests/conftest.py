"""What all tests share; and `make chaos` ends with a table: each fault, how long recovery took, and what was lost."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from emulators.ca import certificate

HEADS = ("fault", "last sign-in cut after", "all as without it after", "lost")
FAULT = "fault"
"""The property under which a test records a line of it."""


MEMORY = "/dev/shm"
LONGEST = ("flows/test_runs.py", "flows/test_stack.py", "rehearsal/test_serve.py", "contract/test_contract.py",
           "flows/test_processes.py", "rehearsal/test_verbs.py", "casework/test_silent_vendors.py", "rehearsal/test_kill.py")  # fmt: skip
"""The files of a minute and more, mostly of waiting: begun last, one core would wait for another."""


def pytest_configure(config: pytest.Config) -> None:
    """
    Let one certificate be all that this machine trusts, for the processes of tests too: reading the usual 140 takes 17 ms a client.

    Files lie in memory, where that is to be had: a database waits for the disk with each of its transactions.
    """
    if os.access(MEMORY, os.W_OK):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)
    folder = Path(tempfile.mkdtemp(prefix="lastday"))
    config.add_cleanup(lambda: shutil.rmtree(folder))
    os.environ |= {"SSL_CERT_FILE": str(certificate(folder).ca), "SSL_CERT_DIR": str(folder)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the rest stays in its order."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get("/".join(item.path.parts[-2:]), len(LONGEST)))


def pytest_collection_finish() -> None:
    """Keep what is loaded out of the garbage collector's looks: half a second each, at two million objects of the SDKs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


# each reading proves anew that two numbers are prime, which takes 27 ms: a tenth of the CPU of the contracts' tests
serialization.load_pem_private_key = functools.cache(serialization.load_pem_private_key)  # type: ignore[assignment]  # bytes alone


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
