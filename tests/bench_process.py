"""Each measurement is a process of its own: `run` starts one and returns its figures, `peak_mb` is what it says of its memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Figures = list[tuple[str, str]]
ROOT = Path(__file__).resolve().parent.parent


def run(
    module: str, *words: object, root: Path = ROOT, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> Any:
    """Run `python -m MODULE WORDS` of the tree at *root* in *folder*, and return the JSON that it prints."""
    command = [sys.executable, "-m", module, *map(str, words)]
    theirs = os.environ | dict(env or {}) | {"PYTHONPATH": str(root)}
    ran = subprocess.run(command, env=theirs, cwd=folder or root, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ran.stdout)


def tell(figures: object) -> None:
    """Print what `run` returns."""
    sys.stdout.write(json.dumps(figures))


def peak_mb() -> float:
    """
    Return the most memory that this process has had, in MB.

    On Linux `ru_maxrss` counts what the process was before it became this program: a copy of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS counts bytes
