"""
The flows in a real Prefect: server, worker and sweep as `lastday up` starts them, with a casework that misbehaves.

One stack for all of them, since it costs its start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.processes import CHECKOUT, LocalStack, Stack, stop_group
from models.vocabulary import Service
from tests.flows.personal import ADDRESS, KANJI, ROMAJI, forms

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(400)]

PLAIN, EXPLODES, ASKS = "case-0000000000000001", "case-0000000000000002", "case-0000000000000003"
MANY = ("case-00000000000000a1", "case-00000000000000a2", "case-00000000000000a3")


RESUME = """
import asyncio
from flows.scheduling import resume_case
async def calls(case):
    print({calls})
asyncio.run(calls("{case}"))
"""


class Up:
    """The stack, its cases' files, and questions to its API."""

    def __init__(self, stack: Stack, local: LocalStack, room: Path, home: Path) -> None:
        self.stack, self.local, self.room, self.home = stack, local, room, home
        self.api = httpx.Client(base_url=stack.api_url, trust_env=False, timeout=30)

    def case(self, case_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.room / f"{case_id}.json").read_text())
        return found

    def journal(self, case_id: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.room / "journal").read_text().splitlines()]
        return [line for line in lines if line["case"] == case_id]

    def ended(self, case_id: str, *, within: float = 150) -> dict[str, Any]:
        """Wait until the case's run is over or paused, and return it."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            run_id = self.case(case_id).get("run_id")
            if run_id is not None:
                run: dict[str, Any] = self.api.get(f"/flow_runs/{run_id}").raise_for_status().json()
                if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED"}:
                    return run
            time.sleep(0.3)
        raise AssertionError(f"{case_id}: its run did not end\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.stack.logs.iterdir()))

    def python(self, code: str) -> str:
        """Run *code* as a terminal of this checkout would."""
        run = [sys.executable, "-c", code]
        return subprocess.run(
            run, cwd=self.room, env=dict(self.stack.env), capture_output=True, text=True, check=True
        ).stdout


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    room = tmp_path_factory.mktemp("checkout")
    for name in ("flows", "models", "connectors", "tests", "prefect.yaml"):
        (room / name).symlink_to(CHECKOUT / name)
    stand_in = CHECKOUT / "tests" / "flows" / "stand_in" / "casework"
    (room / "casework").mkdir()
    for module in (part for part in stand_in.iterdir() if part.name != "__pycache__"):
        (room / "casework" / module.name).symlink_to(module)
    (room / "casework" / "errors.py").symlink_to(CHECKOUT / "casework" / "errors.py")
    due_at = time.time() + 45
    write(room, {PLAIN: "closes"}, due_at=due_at)
    write(room, {EXPLODES: "explodes"}, due_at=due_at - 40)
    write(room, {ASKS: "asks"}, due_at=due_at - 39)
    write(room, dict(zip(MANY, ("closes", "breaks", "asks"), strict=True)), due_at=due_at - 38)
    home = tmp_path_factory.mktemp("home")
    local = LocalStack(home, checkout=room, env={"LASTDAY_STAND_IN": str(room)})
    with local as stack:
        started = Up(stack, local, room, home)
        with started.api:
            yield started


def write(room: Path, stories: Mapping[str, str], *, due_at: float) -> None:
    for case_id, story in stories.items():
        (room / f"{case_id}.json").write_text(json.dumps({"story": story, "due_at": due_at}))


class TestRuns:
    def test_findings(self, up: Up) -> None:
        """One service that fails stops no other, and the run is not green."""
        run = up.ended(EXPLODES)
        steps = {line["step"] for line in up.journal(EXPLODES)}
        assert run["state_type"] == "FAILED"
        assert run["state"]["message"].endswith("FindingsOpen: still_open 2")
        assert {"contain google_workspace", "contain microsoft365", "deprovision slack", "observe"} <= steps

    def test_tasks(self, up: Up) -> None:
        """The page shows each step of each service, and which of them failed."""
        run = up.ended(EXPLODES)
        wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        expected = {f"{step}-{service}" for step in ("contain", "deprovision", "snapshot") for service in Service}
        expected |= {"weigh", "check-papers"}
        deadline = time.monotonic() + 20  # Prefect records tasks a moment later, under a name that it gives up
        tasks: dict[str, str] = {}
        while set(tasks) != expected and time.monotonic() < deadline:
            time.sleep(0.3)
            tasks = {t["name"]: t["state_type"] for t in up.api.post("/task_runs/filter", json=wanted).json()}
        assert set(tasks) == expected
        assert [name for name, state in tasks.items() if state == "FAILED"] == ["contain-slack"]

    def test_many(self, up: Up) -> None:
        """In a run over many, each case is for itself: the good one closes although another breaks."""
        run = up.ended(MANY[0])
        assert run["state_type"] == "FAILED"
        assert "Completed 1, Failed 1, Suspended 1" in run["state"]["message"]
        assert up.case(MANY[0])["state"] == "closed"
        assert "deprovision slack" in {line["step"] for line in up.journal(MANY[1])}
        assert {up.case(case_id)["run_id"] for case_id in MANY} == {run["id"]}

    def test_closed(self, up: Up) -> None:
        """A case that closes has a green run, and nothing was done before its instant."""
        run = up.ended(PLAIN)
        first = min(line["at"] for line in up.journal(PLAIN) if line["step"].startswith("contain"))
        assert run["state_type"] == "COMPLETED"
        assert run["name"] == f"offboard-{PLAIN}"
        assert run["parameters"] == {"case_id": PLAIN}
        assert first >= up.case(PLAIN)["due_at"]

    def test_artifact(self, up: Up) -> None:
        """The truth table is on the page, under the case's opaque id."""
        up.ended(PLAIN)
        page = up.api.get(f"/artifacts/truth-{PLAIN}/latest").raise_for_status().json()["data"]
        assert "1 of 1 settled" in page
        assert "| slack | sign_in | observed_closed | read | 1 |" in page

    def test_question(self, up: Up) -> None:
        """A run that asks is suspended without a process; after the answer the same run goes on, once, and closes."""
        asked = up.ended(ASKS)
        assert (asked["state_type"], asked["state_name"]) == ("PAUSED", "Suspended")
        assert asked["state"]["message"] == "open questions: 2"
        fresh = up.room / "answered"
        fresh.write_text(json.dumps(up.case(ASKS) | {"answered": True}))
        fresh.replace(up.room / f"{ASKS}.json")
        twice = "[await resume_case(case), await resume_case(case)]"
        assert up.python(RESUME.format(case=ASKS, calls=twice)).split() == ["[True,", "False]"]
        deadline = time.monotonic() + 120
        while (run := up.ended(ASKS))["state_type"] == "PAUSED" and time.monotonic() < deadline:
            time.sleep(0.3)
        assert (run["id"], run["state_type"]) == (asked["id"], "COMPLETED")

    def test_scheduling_twice(self, up: Up) -> None:
        """A sweep that forgot what it ordered orders nothing twice: the same key is the same run."""
        run = up.ended(PLAIN)
        up.python(
            "import asyncio\n"
            "from casework import sweeping\n"
            "from casework.desk import Desk\n"
            "from flows.scheduling import schedule\n"
            f"sweeping.release_run(Desk(), {PLAIN!r})\n"
            "asyncio.run(schedule(Desk()))\n"
        )
        tagged = {"flow_runs": {"tags": {"all_": [f"case:{PLAIN}"]}}}
        assert [found["id"] for found in up.api.post("/flow_runs/filter", json=tagged).json()] == [run["id"]]


class TestPrivacy:
    def test_parameters(self, up: Up) -> None:
        """A person's name in place of a case's id is refused before it is stored."""
        deployment = up.api.get("/deployments/name/offboard/offboard").json()["id"]
        answer = up.api.post(f"/deployments/{deployment}/create_flow_run", json={"parameters": {"case_id": KANJI}})
        assert answer.status_code == 409

    def test_nothing_personal(self, up: Up) -> None:
        """After errors full of names and addresses, none is in Prefect's database, its stored results, or a log."""
        for case_id in (PLAIN, EXPLODES, ASKS, MANY[0]):
            up.ended(case_id)
        time.sleep(3)  # logs and events reach the database a moment after the run
        files = {path: path.read_bytes() for path in up.home.rglob("*") if path.is_file()}
        assert any(
            EXPLODES.encode() in content for path, content in files.items() if path.name.startswith("prefect.db")
        )
        for text in (KANJI, ROMAJI, ADDRESS):
            assert [path.name for path, content in files.items() if any(form in content for form in forms(text))] == []


class TestSettings:
    def test_v2_interface_is_off(self, up: Up) -> None:
        """The page that calls a third party from the browser is not the one that is served."""
        page = httpx.get(up.stack.ui_url, trust_env=False, follow_redirects=True)
        assert page.status_code == 200
        assert "/v2" not in str(page.url)
        assert "amplitude" not in page.text

    def test_zombies(self, up: Up) -> None:
        """A run whose process died is called crashed by a rule that we bring along, once."""
        rules = up.api.post("/automations/filter", json={}).json()
        assert [rule["name"] for rule in rules] == ["lastday: runs without heartbeat"]

    def test_sweep_survives(self, up: Up) -> None:
        """The sweep has a process of its own, and an idle one leaves at most one run behind."""
        os.kill(up.local.pid("sweep"), 0)
        sweeps = up.api.post("/flow_runs/filter", json={"flows": {"name": {"any_": ["sweep"]}}}).json()
        assert len([run for run in sweeps if run["state_type"] == "COMPLETED"]) >= 1
        assert [run["name"] for run in sweeps if run["state_type"] == "FAILED"] == []


class TestEnd:
    def test_sigterm(self, up: Up) -> None:
        """The stack's processes stop when they are told to, and leave no one of their group behind."""
        worker = up.local._children["worker"]
        stop_group(worker)
        with pytest.raises(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGTERM)
