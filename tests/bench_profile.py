"""
Where the CPU goes: after every few milliseconds of it we look where each thread is, and count the CPU time that it has used since.

So waiting costs nothing, and all threads are seen.  A thread that watched the others would wake only where one lets go of the interpreter.  A function's own time is what passes in it and in what it calls of C.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

Seconds = defaultdict[str, float]
_PERIOD = 0.005
_LINES = 25
_LAYERS = {
    "database": ("/sqlalchemy/", "/sqlmodel/", "/sqlite3/"),
    "vendors' SDKs": ("/googleapiclient/", "/google/", "/slack_sdk/", "/msgraph", "/kiota", "/azure/", "/msal/", "/aiohttp/", "/httplib2/", "/google_auth_httplib2"),
    "http, tls": ("/httpx/", "/httpcore/", "/h11/", "/h2/", "/hpack/", "/ssl.py", "/http/", "/urllib3/", "/requests/", "/anyio/", "/urllib/"),
    "json, pydantic": ("/json/", "/pydantic", "/orjson", "/rfc8785", "/canonical"),
    "crypto": ("/cryptography/", "/nacl/", "/hashlib", "/hmac"),
    "event loop, threads": ("/asyncio/", "/concurrent/", "/threading.py", "/selectors.py", "/queue.py"),
    "casework": ("/casework/",), "trail": ("/audit/",), "connectors": ("/connectors/",), "models": ("/models/",),
}  # fmt: skip
"""The first that is met from the innermost frame outwards takes the time."""
_VERBS = {
    "assess": ("casework/truth/findings.py", "assess"),
    "derive": ("casework/truth/deriving.py", ""),
    "trail append": ("audit/", "append"),
    "begin and commit": ("casework/store.py", "write"),
    "connectors": ("connectors/", ""),
    "logs (collecting, summary)": ("casework/activity/", ""),
    "papers": ("casework/nda/", ""),
}
"""Shares of the whole that overlap: something of these is on the stack."""


@contextmanager
def sampled() -> Iterator[dict[str, Any]]:
    """Yield a dictionary that holds the profile at the end."""
    told: dict[str, Any] = {}
    own, layers, verbs, used = Seconds(float), Seconds(float), Seconds(float), dict[int, float]()

    def look(_signal: int, here: FrameType | None) -> None:
        frames = sys._current_frames() | {threading.main_thread().ident or 0: here}
        for thread in threading.enumerate():
            frame, its = frames.get(thread.ident or 0), _cpu(thread)
            spent = its - used.get(thread.ident or 0, its)
            used[thread.ident or 0] = its
            if frame is not None and spent > 0:
                _count(frame, spent, own, layers, verbs)

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _PERIOD, _PERIOD)
    try:
        yield told
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        total = sum(own.values())
        told |= {"seconds": total, "layers": _most(layers), "verbs": _most(verbs), "own": _most(own)[:_LINES]}


def _cpu(thread: threading.Thread) -> float:
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))
    except OSError:  # it has ended
        return 0.0


def _count(frame: FrameType, spent: float, own: Seconds, layers: Seconds, verbs: Seconds) -> None:
    stack = [(one.f_code.co_filename, one.f_code.co_name) for one in _outwards(frame)]
    file, name = stack[0]
    own[f"{'/'.join(Path(file).parts[-3:])}:{name}"] += spent
    layers[
        next((of for path, _ in stack for of, marks in _LAYERS.items() if any(m in path for m in marks)), "other")
    ] += spent
    for verb, (place, function) in _VERBS.items():
        if any(place in path and name.startswith(function) for path, name in stack):
            verbs[verb] += spent


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _most(seconds: Seconds) -> list[tuple[str, float]]:
    return sorted(seconds.items(), key=lambda one: -one[1])
