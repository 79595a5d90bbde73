"""
The flows in a real Prefect: server, worker and sweep as `lastday up` starts them, with a casework that misbehaves.

One stack for all of them, since it costs its start.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.exceptions
import websockets.sync.client

from models.vocabulary import Service
from stack.processes import CHECKOUT, Stack, local_stack
from tests.flows.personal import ADDRESS, KANJI, ROMAJI, forms

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(400)]

PLAIN, EXPLODES, ASKS = "case-0000000000000001", "case-0000000000000002", "case-0000000000000003"
READS, WRITES = "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE", "LASTDAY_GOOGLE_WORKSPACE_WRITE_CREDENTIALS_FILE"
LINGERS = "case-0000000000000004"
MANY = ("case-00000000000000a1", "case-00000000000000a2", "case-00000000000000a3")


RESUME = """
import asyncio
from casework.context import Context
from flows.scheduling import schedule
async def twice(case):
    print([await schedule(Context(), case), await schedule(Context(), case)])
asyncio.run(twice("{case}"))
"""


class Up:
    """The stack, its cases' files, and questions to its API."""

    def __init__(self, stack: Stack, room: Path, home: Path) -> None:
        self.stack, self.room, self.home = stack, room, home
        self.api = stack.client()
        self.api.timeout = httpx.Timeout(30)
        token = self.api.get("/csrf-token", params={"client": "tests"}).raise_for_status().json()["token"]
        self.api.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"})

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

    def insist(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Make, change or delete what is at *path*, again while SQLite is busy."""
        deadline = time.monotonic() + 60
        while (answer := self.api.request(method, path, **sent)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.5)
        return answer.raise_for_status()

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
    for real in ("errors.py", "question_kinds.py", "runbook.py"):
        (room / "casework" / real).symlink_to(CHECKOUT / "casework" / real)
    due_at = time.time() + 45
    write(room, {PLAIN: "closes"}, due_at=due_at)
    write(room, {EXPLODES: "explodes"}, due_at=due_at - 40)
    write(room, {ASKS: "asks"}, due_at=due_at - 39)
    write(room, dict(zip(MANY, ("closes", "breaks", "asks"), strict=True)), due_at=due_at - 38)
    home = tmp_path_factory.mktemp("home")
    credentials = {READS: "reads", WRITES: "writes"}
    with local_stack(home, checkout=room, env={"LASTDAY_STAND_IN": str(room), **credentials}) as stack:
        started = Up(stack, room, home)
        with contextlib.closing(started.api):
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
        """The page shows each step, those of the services one by one, and which of them failed."""
        run = up.ended(EXPLODES)
        wanted = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        expected = {f"{step}-{service}" for step in ("cut", "collect") for service in Service}
        expected |= {"plan", "wait", "observe", "summarise", "check-papers"}
        deadline = time.monotonic() + 20  # Prefect records tasks a moment later, under a name that it gives up
        tasks: dict[str, str] = {}
        while set(tasks) != expected and time.monotonic() < deadline:
            time.sleep(0.3)
            tasks = {t["name"]: t["state_type"] for t in up.api.post("/task_runs/filter", json=wanted).json()}
        assert set(tasks) == expected
        assert [name for name, state in tasks.items() if state == "FAILED"] == ["cut-slack"]

    def test_many(self, up: Up) -> None:
        """In a run over many, each case is for itself: the good one closes although another breaks."""
        run = up.ended(MANY[0])
        assert run["state_type"] == "FAILED"
        assert "Completed 1, Failed 1, Suspended 1" in run["state"]["message"]
        assert up.case(MANY[0])["state"] == "closed"
        assert "deprovision slack" in {line["step"] for line in up.journal(MANY[1])}
        assert {up.case(case_id)["run_id"] for case_id in MANY} == {run["id"]}

    def test_many_as_one(self, up: Up) -> None:
        """A case takes the same steps in a run over many as in a run of its own."""
        up.ended(PLAIN), up.ended(MANY[0])
        one, many = ([line["step"] for line in up.journal(case_id)] for case_id in (PLAIN, MANY[0]))
        assert sorted(step for step in one if not step.startswith("run ")) == sorted(
            step for step in many if not step.startswith("run ")
        )

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
        assert up.python(RESUME.format(case=ASKS)).split() == ["[1,", "0]"]
        deadline = time.monotonic() + 120
        while (run := up.ended(ASKS))["state_type"] == "PAUSED" and time.monotonic() < deadline:
            time.sleep(0.3)
        assert (run["id"], run["state_type"]) == (asked["id"], "COMPLETED")

    def test_cancelled(self, up: Up) -> None:
        """Whoever cancels a run in its page stops nothing, and reads so there once it has ended."""
        write(up.room, {LINGERS: "lingers"}, due_at=time.time())
        up.python(
            "import asyncio\n"
            "from casework.context import Context\n"
            "from flows.scheduling import schedule\n"
            "asyncio.run(schedule(Context()))\n"
        )
        deadline = time.monotonic() + 120
        while not any(line["step"].startswith("contain") for line in up.journal(LINGERS)):
            assert time.monotonic() < deadline, up.logs()
            time.sleep(0.2)
        cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}, "force": False}
        up.insist("POST", f"/flow_runs/{up.case(LINGERS)['run_id']}/set_state", json=cancelling)
        run = up.ended(LINGERS)
        assert (run["state_type"], run["state_name"]) == ("CANCELLED", "Cancelled, which stops nothing")
        steps = [line["step"] for line in up.journal(LINGERS)]
        assert {f"deprovision {service}" for service in Service} <= set(steps)

    def test_scheduling_twice(self, up: Up) -> None:
        """A sweep that forgot what it ordered orders nothing twice: the same key is the same run."""
        run = up.ended(PLAIN)
        up.python(
            "import asyncio\n"
            "from casework import claims\n"
            "from casework.context import Context\n"
            "from flows.scheduling import schedule\n"
            f"claims.release_run(Context(), {PLAIN!r})\n"
            "asyncio.run(schedule(Context()))\n"
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


def environment(pid: int) -> dict[str, str]:
    """Return what the process was given."""
    pairs = (pair.partition("=") for pair in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0") if pair)
    return {name: value for name, _, value in pairs}


class TestClosed:
    """Whoever reaches the server without the key, or through somebody's browser, gets nothing and starts nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_came_of_it(self, up: Up) -> Iterator[None]:
        before = self._runs(up)
        yield
        assert self._runs(up) == before

    @staticmethod
    def _runs(up: Up) -> set[str]:
        named = {"flow_runs": {"name": {"any_": ["attack"]}}}
        return {run["id"] for run in up.api.post("/flow_runs/filter", json=named).raise_for_status().json()}

    @staticmethod
    def _deployment(up: Up) -> str:
        return str(up.api.get("/deployments/name/offboard/offboard").raise_for_status().json()["id"])

    @pytest.mark.parametrize("auth", [None, ("lastday", ""), ("lastday", "wrong"), ("", "")], ids=str)
    def test_key(self, up: Up, auth: tuple[str, str] | None) -> None:
        """Without the key, or with another, nothing is read and nothing is made."""
        path = f"/deployments/{self._deployment(up)}/create_flow_run"
        with httpx.Client(base_url=up.stack.api_url, auth=auth, trust_env=False) as stranger:
            assert stranger.get("/work_pools/lastday").status_code == 401
            assert stranger.post("/flow_runs/filter", json={}).status_code in {401, 403}
            made = stranger.post(path, json={"name": "attack", "job_variables": {"command": "id"}})
            assert made.status_code in {401, 403}

    @pytest.mark.parametrize(
        "origin", ["http://elsewhere.example", "null", "http://localhost:4200", "https://127.0.0.1"]
    )
    def test_origin(self, up: Up, origin: str) -> None:
        """A page of another site is refused even with the key, and no browser is told that it may read."""
        path = f"/deployments/{self._deployment(up)}/create_flow_run"
        made = up.api.post(path, json={"name": "attack"}, headers={"Origin": origin})
        asked = up.api.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        read = up.api.get("/work_pools/lastday", headers={"Origin": origin})
        assert [made.status_code, asked.status_code, read.status_code] == [403, 403, 403]
        assert "access-control-allow-origin" not in {*made.headers, *asked.headers, *read.headers}

    @pytest.mark.parametrize("host", ["elsewhere.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
    def test_host(self, up: Up, host: str) -> None:
        """A name that leads here without being ours (DNS rebinding) is refused even with the key."""
        path = f"/deployments/{self._deployment(up)}/create_flow_run"
        assert up.api.post(path, json={"name": "attack"}, headers={"Host": host}).status_code == 421
        assert up.api.get("/work_pools/lastday", headers={"Host": host}).status_code == 421

    @pytest.mark.parametrize(
        "kind", ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", None]
    )
    def test_body(self, up: Up, kind: str | None) -> None:
        """A body that a browser sends without asking first is refused, whatever is in it."""
        path = f"/deployments/{self._deployment(up)}/create_flow_run"
        headers = {"Content-Type": kind} if kind is not None else {}
        assert up.api.post(path, content=b'{"name": "attack"}', headers=headers).status_code == 415

    def test_token(self, up: Up) -> None:
        """Without the CSRF token nothing is changed, even with the key."""
        path = f"/deployments/{self._deployment(up)}/create_flow_run"
        with up.stack.client() as client:
            assert client.post(path, json={"name": "attack"}).status_code == 403

    def test_own_page(self, up: Up) -> None:
        """The page of the server itself may ask, and no other site may frame it."""
        own = {"Origin": up.stack.ui_url}
        assert up.api.get("/work_pools/lastday", headers=own).status_code == 200
        assert "frame-ancestors 'none'" in up.api.get("/work_pools/lastday").headers["content-security-policy"]

    @pytest.mark.parametrize(
        ("key", "origin"), [("wrong", None), ("right", "http://elsewhere.example")], ids=["key", "origin"]
    )
    def test_events(self, up: Up, key: str, origin: str | None) -> None:
        """The stream of events is closed to a stranger and to another site's page."""
        secret = up.stack.env["PREFECT_API_AUTH_STRING"] if key == "right" else "lastday:wrong"
        address = up.stack.api_url.replace("http:", "ws:") + "/events/out"
        with pytest.raises(websockets.exceptions.WebSocketException):
            first_word(address, secret, origin)

    def test_events_for_us(self, up: Up) -> None:
        """The stream of events is open to who has the key."""
        address = up.stack.api_url.replace("http:", "ws:") + "/events/out"
        assert first_word(address, up.stack.env["PREFECT_API_AUTH_STRING"], None)["type"] == "auth_success"


def first_word(address: str, secret: str, origin: str | None) -> dict[str, Any]:
    """Return what the stream answers to *secret*."""
    kinds: Any = {"origin": origin, "subprotocols": ["prefect"], "proxy": None}
    with websockets.sync.client.connect(address, **kinds) as stream:
        stream.send(json.dumps({"type": "auth", "token": secret}))
        answer: dict[str, Any] = json.loads(stream.recv(timeout=20))
        return answer


class TestRunBringsNothing:
    """A run of ours is started as this checkout has it: neither the server nor who holds its key says how."""

    @pytest.mark.parametrize(
        "brought",
        [
            {"command": "touch /nowhere"},
            {"env": {"PYTHONPATH": "/nowhere", "LASTDAY_DATABASE_URL": "sqlite:////nowhere"}},
            {"env.LASTDAY_DATABASE_URL": "sqlite:////nowhere"},
            {"working_dir": "/"},
            {"anything": 1},
        ],
        ids=lambda brought: next(iter(brought)),
    )
    def test_variables(self, up: Up, brought: dict[str, Any]) -> None:
        """A run, a change of a run, or a new deployment that brings a command, an environment or a path is refused, key or not."""
        deployment = up.api.get("/deployments/name/offboard/offboard").raise_for_status().json()
        create = f"/deployments/{deployment['id']}/create_flow_run"
        body = {"name": "attack", "parameters": {"case_id": PLAIN}}
        assert up.api.post(create, json=body | {"job_variables": brought}).status_code == 422
        later = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2040-01-01T00:00:00Z"}}}
        run = up.insist("POST", create, json=body | later).json()["id"]
        try:
            assert up.api.patch(f"/flow_runs/{run}", json={"job_variables": brought}).status_code == 422
        finally:
            up.insist("DELETE", f"/flow_runs/{run}")
        own = {
            "name": "attack",
            "flow_id": deployment["flow_id"],
            "work_pool_name": "lastday",
            "job_variables": brought,
        }
        assert up.api.post("/deployments/", json=own).status_code == 422

    def test_own_pool_and_deployment(self, up: Up, tmp_path: Path) -> None:
        """
        Who holds the key may rewrite pool and deployment on the server.  The worker reads neither: what is to be run, where,
        with which environment and which code comes from its own checkout.
        """
        proof = tmp_path / "proof"
        (tmp_path / "evil.py").write_text(f"from pathlib import Path\nPath({str(proof)!r}).touch()\n")
        touch = {"prefect.deployments.steps.run_shell_script": {"script": f"touch {proof}"}}
        evil = {"job_configuration": {"command": f"touch {proof}", "working_dir": "/"}, "variables": {"type": "object"}}
        pool = up.api.get("/work_pools/lastday").raise_for_status().json()
        try:
            up.insist("PATCH", "/work_pools/lastday", json={"base_job_template": evil})
            flow = up.insist("POST", "/flows/", json={"name": "offboard"}).json()["id"]
            stranger = up.insist("POST", "/flows/", json={"name": "evil"}).json()["id"]
            for name, flow_id in (("evil", stranger), ("offboard-evil", flow)):
                made = up.insist(
                    "POST",
                    "/deployments/",
                    json={
                        "name": name, "flow_id": flow_id, "work_pool_name": "lastday", "entrypoint": "evil.py:main",
                        "path": str(tmp_path), "pull_steps": [touch], "job_variables": {"command": f"touch {proof}"},
                    },
                )  # fmt: skip
                run = up.insist("POST", f"/deployments/{made.json()['id']}/create_flow_run", json={})
                ended = self._ended(up, run.json()["id"])
                assert ended["state_type"] in {"CRASHED", "FAILED"}
        finally:
            up.insist("PATCH", "/work_pools/lastday", json={"base_job_template": pool["base_job_template"]})
        assert not proof.exists()

    @staticmethod
    def _ended(up: Up, run_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            run: dict[str, Any] = up.api.get(f"/flow_runs/{run_id}").raise_for_status().json()
            if run["state_type"] in {"CRASHED", "FAILED", "COMPLETED", "CANCELLED"}:
                return run
            time.sleep(0.3)
        raise AssertionError(f"the run did not end\n{up.logs()}")


class TestStorage:
    def test_of_the_server(self, up: Up) -> None:
        """
        Who holds the key may tell the server where results are kept by default, in any kind of storage.  No flow of ours asks:
        one that fails leaves its exception in a folder of this machine.
        """
        kind = up.insist("POST", "/block_types/", json={"name": "attack", "slug": "attack"}).json()["id"]
        schema = {
            "block_type_id": kind,
            "fields": {"type": "object", "properties": {}},
            "capabilities": ["write-path", "read-path"],
        }
        schema_id = up.insist("POST", "/block_schemas/", json=schema).json()["id"]
        document = {"name": "attack", "data": {}, "block_schema_id": schema_id, "block_type_id": kind}
        block = up.insist("POST", "/block_documents/", json=document).json()["id"]
        up.insist("PUT", "/admin/storage", json={"default_result_storage_block_id": block})
        try:
            deployment = up.api.get("/deployments/name/offboard/offboard").raise_for_status().json()["id"]
            body = {"parameters": {"case_id": "case-00000000000000ff"}}  # there is none: the run fails
            run = up.insist("POST", f"/deployments/{deployment}/create_flow_run", json=body).json()["id"]
            ended = TestRunBringsNothing._ended(up, run)
        finally:
            up.insist("DELETE", "/admin/storage")
        assert (ended["state_type"], "UnknownBlockType" in ended["state"]["message"]) == ("FAILED", False)


class TestCredentials:
    def test_tiers(self, up: Up) -> None:
        """Prefect's server has no setting of ours, the watching process none that revokes; worker and serving process have all."""
        given = {name: environment(up.stack.pid(name)) for name in ("server", "worker", "serve", "watch")}
        assert [name for name in given["server"] if name.startswith("LASTDAY_")] == []
        assert (READS in given["watch"], WRITES in given["watch"]) == (True, False)
        assert {READS, WRITES} <= given["worker"].keys() & given["serve"].keys()

    def test_key_file(self, up: Up) -> None:
        """The key lies in a file of its owner's alone, and in no log."""
        secret = up.stack.key_file.read_text().strip()
        assert up.stack.key_file.stat().st_mode & 0o777 == 0o600
        assert up.stack.env["PREFECT_API_AUTH_STRING"] == secret
        assert secret.partition(":")[2] not in up.logs()


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

    @pytest.mark.parametrize("process", ["serve", "watch"])
    def test_own_processes(self, up: Up, process: str) -> None:
        """What is due, and what is looked at afterwards, have each a process of their own."""
        os.kill(up.stack.pid(process), 0)

    def test_sweep_survives(self, up: Up) -> None:
        """An idle sweep leaves at most one run behind."""
        until = time.time() + 90  # the first sweep may still be to come
        while True:
            sweeps = up.api.post("/flow_runs/filter", json={"flows": {"name": {"any_": ["sweep"]}}}).json()
            if any(run["state_type"] == "COMPLETED" for run in sweeps):
                break
            assert time.time() < until, up.logs()
            time.sleep(1)
        assert [run["name"] for run in sweeps if run["state_type"] == "FAILED"] == []


class TestQueues:
    def _queues(self, up: Up) -> dict[str, tuple[int, int | None, bool]]:
        found = up.api.post("/work_pools/lastday/queues/filter", json={}).raise_for_status().json()
        return {queue["name"]: (queue["priority"], queue["concurrency_limit"], queue["is_paused"]) for queue in found}

    def test_a_cut_and_its_repetition(self, up: Up) -> None:
        """A due case's run stands in the queue of cuts, a plan's in its own, and one that is made again in the last."""
        assert up.ended(PLAIN)["work_queue_name"] == "cuts"
        told = up.python(
            "import asyncio\n"
            "from datetime import UTC, datetime, timedelta\n"
            "from casework.sweeping import DueGroup\n"
            "from flows.scheduling import _create, _deployment, orders, place, prefect_api\n"
            "at = datetime.now(UTC) + timedelta(days=1)\n"
            f"groups = [DueGroup(at, ({PLAIN!r},), purpose, purpose) for purpose in ('offboard', 'again', 'plan')]\n"
            "async def make():\n"
            "    async with prefect_api() as client:\n"
            "        for order in orders(groups):\n"
            "            run = await _create(client, order, await _deployment(client, place(order)[0]))\n"
            "            print((await client.read_flow_run(run)).work_queue_name)\n"
            "            await client.delete_flow_run(run)\n"
            "asyncio.run(make())\n"
        )
        assert told.split() == ["cuts", "rest", "plans"]

    def test_an_upgrade(self, up: Up) -> None:
        """Deploying again lets go on what somebody paused or limited, and takes away the schedule that an older version made."""
        named = up.api.get("/deployments/name/anchor/anchor").raise_for_status().json()["id"]
        up.insist("POST", f"/deployments/{named}/schedules", json=[{"schedule": {"cron": "7 * * * *"}, "active": True}])
        cuts = up.api.get("/work_pools/lastday/queues/cuts").raise_for_status().json()["id"]
        up.insist("PATCH", f"/work_queues/{cuts}", json={"is_paused": True, "concurrency_limit": 0})
        deploy = [sys.executable, "-m", "flows.deploy"]
        subprocess.run(deploy, cwd=up.room, env=dict(up.stack.env), check=True, capture_output=True)
        assert up.api.get("/deployments/name/anchor/anchor").raise_for_status().json()["schedules"] == []
        queues = self._queues(up)
        assert {name: queues[name] for name in ("cuts", "plans", "rest")} == {
            "cuts": (1, None, False), "plans": (2, 2, False), "rest": (3, 1, False),
        }  # fmt: skip


class TestEnd:
    def test_started_again(self, up: Up) -> None:
        """A process that ends by itself is started again: without a worker no case is carried."""
        stop, before = threading.Event(), up.stack.pid("worker")
        keeper = threading.Thread(target=up.stack.supervise, args=(stop,))
        keeper.start()
        try:
            os.kill(before, signal.SIGKILL)
            deadline = time.monotonic() + 20
            while up.stack.pid("worker") == before and time.monotonic() < deadline:
                time.sleep(0.1)
        finally:
            stop.set()
            keeper.join()
        assert up.stack.pid("worker") != before

    def test_sigterm(self, up: Up) -> None:
        """The stack's processes stop when they are told to, and leave no one of their group behind."""
        group = os.getpgid(up.stack.pid("worker"))
        up.stack.stop()
        os.waitpid(group, 0)  # the watchdog, its head
        with pytest.raises(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
