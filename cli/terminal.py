"""A command's output: its answer on standard output (a table, or only JSON), everything else on standard error."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TimeElapsedColumn

from casework.visible_text import visible
from models.actor import Actor, at_terminal

_PRINTED = 160
"""Width in columns of a table that goes into a file or a pipe."""

Step = Callable[[str], None]
"""Moves the progress bar by one step; the argument describes the next step."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """
    The output of one command.

    *as_json*: the answer is JSON.  *actor*: the person who acts, recorded with each decision.
    """

    as_json: bool
    actor: str

    @property
    def who(self) -> Actor:
        """The person who acts, in a payload's form: unauthenticated."""
        return at_terminal(self.actor)

    def answer(self, payload: Mapping[str, Any], *shown: RenderableType) -> None:
        """Print the command's answer: *payload* as JSON, else *shown* for people."""
        if self.as_json:
            write_json(payload)
            return
        console = out()
        for part in shown:
            console.print(plain(part), markup=False, highlight=False, soft_wrap=isinstance(part, str))

    def report(self, code: str, also: Mapping[str, object] | None = None, /, **facts: Any) -> None:
        """Answer with *facts*: as JSON, else with the sentence *code*, filled from *facts* and *also*."""
        self.answer(facts, sentence(code, **facts, **(also or {})))

    def lines(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Print one JSON object a line, with or without --json, and flush: when this returns, the reader has them."""
        sys.stdout.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        sys.stdout.flush()

    def say(self, told: str) -> None:
        """Print a remark on standard error."""
        err().print(visible(told), markup=False, highlight=False)

    @contextlib.contextmanager
    def progress(self, total: int | None, first: str) -> Iterator[ProgressBar]:
        """Show a bar of *total* steps (None: not known yet) on standard error, if that is a terminal."""
        columns = (SpinnerColumn(), "{task.description}", BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
        console = err()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            yield ProgressBar(bar, bar.add_task(first, total=total))


class ProgressBar:
    """A progress bar.  To call it is a `Step`."""

    def __init__(self, shown: Progress, task: TaskID) -> None:
        self._shown, self._task = shown, task

    def __call__(self, description: str) -> None:
        self._shown.update(self._task, advance=1, description=description)

    def reach(self, completed: int, total: int) -> None:
        """Set the bar to *completed* of *total*."""
        self._shown.update(self._task, completed=completed, total=total)


def plain(part: RenderableType) -> RenderableType:
    """Return *part*, if it is text, without control characters for a terminal; tables have none."""
    return visible(part) if isinstance(part, str) else part


def out() -> Console:
    """Return the console of answers."""
    return Console(width=None if sys.stdout.isatty() else _PRINTED)


def err() -> Console:
    """Return the console of everything else."""
    return Console(stderr=True)


def write_json(payload: Mapping[str, Any]) -> None:
    """Write *payload* on standard output: instants in ISO 8601, other characters than ASCII unescaped only if the stream is UTF-8."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(payload, ensure_ascii=not unicode, indent=2, default=datetime.isoformat) + "\n")
    sys.stdout.flush()


def japanese() -> bool:
    """Whether to speak Japanese: by `LASTDAY_LANGUAGE`, else by the locale."""
    chosen = os.environ.get("LASTDAY_LANGUAGE")
    if chosen:
        return chosen.lower().startswith("ja")
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return locale.lower().startswith("ja")


def say(english: str, in_japanese: str) -> str:
    """Return the sentence in the language of the terminal."""
    return in_japanese if japanese() else english


def sentence(code: str, /, **facts: object) -> str:
    """Return the sentence *code* of `sentences.toml`, in the language of the terminal.  Raises `KeyError`."""
    return advice(code, **facts)[0]


def advice(code: str, /, **facts: object) -> tuple[str, str]:
    """Return sentence and remedy of *code* in `sentences.toml`, in the language of the terminal.  Raises `KeyError`."""
    from casework.messages import catalogue

    entry = catalogue(Path(__file__).parent)[code]
    return say(*entry.sentence.filled(facts)), say(*entry.remedy.filled(facts))


def survive_narrow_streams() -> None:
    """Let standard output and error escape a character that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
