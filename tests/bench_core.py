"""
Leavers by the dozen, on both cores: what they cost, and when their blocks are seen: `python -m tests.bench_core "50 leavers" now`.

The emulated tenants and the subject are processes of their own.  The first core is taken out of the clone's history and meets the
same tenants.  Each case goes through the whole runbook on SQLite, as a batch carries it, without Prefect.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from emulators.company import CHARACTERS, PEOPLE, PLAIN_DEPARTMENTS, Person, joiners
from tests import bench_process
from tests.bench_process import ROOT

FIRST = "4e44636"
GOOGLE, SLACK, M365 = "google_workspace", "slack", "microsoft365"
ALL = (GOOGLE, SLACK, M365)
_POLICY = """
[blast_radius]
departures = 100000
[activity]
before_seconds = 0
after_seconds = 0
"""
"""Nobody is asked, and the logs are left to the watching process, as those of a night full of leavers are."""
_PATIENCE = """
[observe]
deadline_seconds = {}
"""
"""Of the first core, which holds each run to its deadline, a dismissal's too: five minutes as users have it."""
_REFUSED = {"match": "DELETE .*/tokens/", "status": 403, "times": None}


@dataclass(frozen=True, slots=True)
class Scene:
    """
    So many *leavers* at once on *services*, each call after *latency* seconds; *asked* is what the subject is told beside that.
    The first core waits *patience* seconds for what stays open.
    """

    leavers: int
    services: tuple[str, ...] = ALL
    latency: float = 0.0
    asked: Mapping[str, Any] = field(default_factory=dict)
    fault: Mapping[str, Any] | None = None
    patience: int = 30


SCENES = {
    "1 leaver": Scene(1),
    "10 leavers": Scene(10),
    "50 leavers": Scene(50, patience=15),
    "200 leavers": Scene(200),
    "20 on Google, 50 ms a call": Scene(20, (GOOGLE,), 0.05),
    "20 on Microsoft, 50 ms a call": Scene(20, (M365,), 0.05),
    "a dismissal, warm, 100 ms a call": Scene(2, latency=0.1, asked={"kind": "dismissal", "before": 1}, patience=5),
    "10 due beside 30 with old findings": Scene(40, asked={"before": 30, "again": True}, fault=_REFUSED),
    "1,000 closed cases": Scene(1, (SLACK,), asked={"idle": 1_000}),
    "100,000 closed cases": Scene(1, (SLACK,), asked={"idle": 100_000}),
}
_BY_NOW = [name for name in SCENES if name not in {"10 leavers", "1,000 closed cases"}]
_BY_THE_FIRST = [
    "1 leaver",
    "50 leavers",
    "20 on Google, 50 ms a call",
    "20 on Microsoft, 50 ms a call",
    "a dismissal, warm, 100 ms a call",
    "1,000 closed cases",
]
_ALONE = ["1 leaver", "50 leavers", "20 on Google, 50 ms a call", "20 on Microsoft, 50 ms a call"]
_IN_FULL = ["10 leavers", "200 leavers", "10 due beside 30 with old findings"]
"""Of the first core, which takes minutes for two of them."""


def runs(size: str) -> list[tuple[str, str]]:
    """Return what is measured, as (scene, core); the core "alone" is the connectors without casework."""
    first = _BY_THE_FIRST + (_IN_FULL if size == "full" else [])
    now = _BY_NOW + (["10 leavers"] if size == "full" else [])
    return [(name, "now") for name in now] + [(name, "alone") for name in _ALONE] + [(name, "first") for name in first]


def measured(scene: Scene, core: str, root: Path = ROOT, **more: object) -> dict[str, Any]:
    """Play the *scene* on tenants of its own, and return its figures with the calls that each service was asked."""
    with tempfile.TemporaryDirectory(prefix="bench") as name, _tenants(scene, Path(name)) as env:
        folder = Path(name)
        (folder / "policy.toml").write_text(_POLICY + (_PATIENCE.format(scene.patience) if core == "first" else ""))
        roots = {
            one: env[_ADDRESS[one]].partition("//")[0] + "//" + env[_ADDRESS[one]].split("/")[2]
            for one in scene.services
        }
        with httpx.Client(verify=env["LASTDAY_CA_BUNDLE"], trust_env=False, timeout=60) as client:
            if scene.fault:
                client.post(f"{roots[GOOGLE]}/_stage/faults", json=dict(scene.fault)).raise_for_status()
            asked = {"core": core, "people": _leavers(scene.leavers), **scene.asked, **more}
            its = env | _house(scene.services)
            took: dict[str, Any] = bench_process.run(
                "tests.bench_leavers", json.dumps(asked), root=root, folder=folder, env=its
            )
            journals = {one: client.get(f"{at}/_stage/journal").json() for one, at in roots.items()}
    calls = {
        one: sum(took["began"] <= row["at"] <= took["ended"] and not row["inner"] for row in rows)
        for one, rows in journals.items()
    }
    return took | {"seconds": took["ended"] - took["began"], "calls": calls}


_ADDRESS = {
    GOOGLE: "LASTDAY_GOOGLE_WORKSPACE_ENDPOINT",
    SLACK: "LASTDAY_SLACK_WEB_ENDPOINT",
    M365: "LASTDAY_MICROSOFT365_AUTHORITY",
}


def _house(services: tuple[str, ...]) -> dict[str, str]:
    return {
        "LASTDAY_DATABASE_URL": "sqlite:///case.db", "LASTDAY_SERVICES": ",".join(services),
        "LASTDAY_POLICY_FILE": "policy.toml", "LASTDAY_AUDIT_ORIGIN": "bench.example/audit/2026",
    }  # fmt: skip


@contextlib.contextmanager
def _tenants(scene: Scene, folder: Path) -> Iterator[dict[str, str]]:
    """Open the tenants in a process of their own, and yield the settings that lead to them."""
    words = [
        str(folder / "tenants"),
        "--latency",
        str(scene.latency),
        "--hire",
        str(max(0, scene.leavers - len(_plain(PEOPLE)))),
    ]
    command = [sys.executable, "-m", "emulators.tenants", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as opened:
        assert opened.stdout is not None
        try:
            yield json.loads(opened.stdout.readline())
        finally:
            opened.terminate()


def _plain(people: Sequence[Person]) -> list[Person]:
    """Return those of *people* whose cases can be closed without a person's help."""
    return [one for one in people if one not in CHARACTERS and one.department in PLAIN_DEPARTMENTS]


def _leavers(count: int) -> list[dict[str, str]]:
    """Return so many leavers as HR reports them."""
    leavers = _plain([*PEOPLE, *joiners(min(count, 176))])[:count]
    return [{"employee_no": one.employee_no, "name": one.name, "email": one.email} for one in leavers]


@contextlib.contextmanager
def first_core() -> Iterator[Path | None]:
    """Yield a folder with the first core's files, and the measuring ones of today; None if the clone does not reach so far back."""
    packed = subprocess.run(["git", "archive", FIRST], cwd=ROOT, capture_output=True, check=False)
    with tempfile.TemporaryDirectory(prefix="first") as name:
        if packed.returncode:
            yield None
            return
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
            files.extractall(name, filter="data")
        for file in ("bench_process.py", "bench_cores.py", "bench_leavers.py"):
            (Path(name) / "tests" / file).write_text((ROOT / "tests" / file).read_text())
        yield Path(name)


def told(took: Mapping[str, Any]) -> str:
    """Say in a line what a scene took."""
    parts = [f"{took['seconds']:.1f} s", f"{took['cpu']:.1f} s CPU", f"{sum(took['calls'].values()):,} calls"]
    if "ends" in took:
        parts += [f"{took['closed']} closed", f"{took['transactions']:,} transactions ({took['commits']:,} commits)"]
        parts += [f"{took['events']:,} events"]
    parts.append(f"{took['peak_mb']:.0f} MB")
    return ", ".join(parts)


def blocks(took: Mapping[str, Any]) -> str:
    """Say when the blocks were seen, in seconds from the beginning: the median and the last, by service."""
    return ", ".join(f"{one} {at['median']:.1f} / {at['last']:.1f} s" for one, at in took["blocks"].items())


def profile() -> Iterator[str]:
    """Yield where the CPU went for fifty leavers, line by line."""
    took = measured(SCENES["50 leavers"], "now", profiled=True)
    whole = took["profile"]["seconds"]
    yield f"50 leavers: {told(took)}; the profile saw {whole:.1f} s of CPU"
    for what, means in (("layers", "by layer"), ("verbs", "with this on the stack"), ("own", "by own time")):
        yield f"\n{means}"
        yield from (f"{seconds:8.2f} s {seconds / whole:6.1%}  {name}" for name, seconds in took["profile"][what])


if __name__ == "__main__":
    with first_core() as tree:
        took = measured(SCENES[sys.argv[1]], sys.argv[2], tree if tree and sys.argv[2] == "first" else ROOT)
    sys.stdout.write(
        f"{told(took)}\n{took['calls']}\n{took.get('ends', '')}\n{blocks(took) if 'blocks' in took else ''}\n"
    )
