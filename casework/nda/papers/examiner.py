"""
The subprocess examiner: examine an untrusted paper in its own process, with bounded memory and time, since it may crash its reader.

    python -m casework.nda.papers.examiner LIMIT [ROOTS] < paper > what it shows, as JSON
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import logging
import resource
import sys
from datetime import datetime
from pathlib import Path

from pydantic import Field, TypeAdapter

from casework.nda.papers.examination import Examination
from connectors.settings import ConnectorSettings

SECONDS = 30.0
MEGABYTES = 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a paper that is examined; a larger one is only identified by its digest and counts as unreadable."""

NO_ROOTS = 3
"""The exit code of a child that could not read the roots: our setting is wrong, not the paper."""

_LITTLE = {"LANG": "C.UTF-8"}  # the child gets no secrets: a hostile paper may take over its reader
_ROOT = Path(__file__).resolve().parents[3]
_shape = TypeAdapter(Examination)


class ExaminerSettings(ConnectorSettings):
    """*roots_file* (`LASTDAY_NDA_ROOTS_FILE`): the root certificates, in PEM, of trusted signers and timestamps."""

    roots_file: Path | None = Field(default=None, validation_alias="LASTDAY_NDA_ROOTS_FILE")


async def examine_in_subprocess(paper: bytes, roots: Path | None = None, *, seconds: float = SECONDS) -> Examination:
    """
    Examine *paper* within *seconds* and a gigabyte.  Beyond them, or if the reader crashes, the result is unreadable and says why.

    *roots* defaults to `LASTDAY_NDA_ROOTS_FILE`.  Raises nothing except when cancelled; the child is then killed, too.
    """
    blank = Examination(
        hashlib.sha256(paper).hexdigest(), len(paper), readable=False, altered=False, signatures=(), text=""
    )
    if len(paper) > LARGEST:
        return dataclasses.replace(blank, text=f"larger than {LARGEST // 2**20} megabytes: it was not looked into")
    trusted = roots or ExaminerSettings().roots_file
    arguments = [str(int(seconds) + 1), *([str(trusted)] if trusted is not None else [])]
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "casework.nda.papers.examiner", *arguments, cwd=_ROOT, env=_LITTLE,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as exc:
        return dataclasses.replace(blank, text=f"its reader could not be started: {type(exc).__name__}")
    try:
        answer, _ = await asyncio.wait_for(child.communicate(paper), seconds)
    except TimeoutError:
        return dataclasses.replace(blank, text=f"it could not be examined within {seconds:.0f} seconds")
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    if child.returncode == NO_ROOTS:
        return dataclasses.replace(
            blank, text="LASTDAY_NDA_ROOTS_FILE cannot be read: nothing was said of any signature"
        )
    if child.returncode != 0:
        return dataclasses.replace(blank, text="its reader burst: a damaged or hostile file")
    found = _shape.validate_json(answer)
    return found if found.sha256 == blank.sha256 else dataclasses.replace(blank, text="its reader lost bytes of it")


def main(arguments: list[str]) -> None:
    """Examine the paper on standard input, within the limits."""
    seconds = int(arguments[0])
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES * 2**20, MEGABYTES * 2**20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)  # pyHanko's log quotes the paper's content
    from casework.nda.papers.examining import examine, read_roots  # noqa: PLC0415  # imported under the limits

    paper = sys.stdin.buffer.read()
    try:
        roots = read_roots(Path(arguments[1]).read_bytes()) if len(arguments) > 1 else ()
    except (OSError, ValueError):
        sys.exit(NO_ROOTS)
    sys.stdout.write(json.dumps(dataclasses.asdict(examine(paper, roots)), default=_text))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    main(sys.argv[1:])
