"""
Prefect's server and our processes, as `lastday up` starts them: who may direct them, and what they are given.

One stack for all of them, since it costs its start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.exceptions
import websockets.sync.client

from stack.processes import CHECKOUT
from tests.flows.installation import Installation, installation
from tests.terminal_house import migrated

__all__ = ["migrated"]
pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(400)]

NO_CASE = "case-00000000000000ff"
"""There is none: its run fails."""
READS, WRITES = "LASTDAY_GOOGLE_WORKSPACE_CREDENTIALS_FILE", "LASTDAY_GOOGLE_WORKSPACE_WRITE_CREDENTIALS_FILE"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Installation]:
    folder, credentials = tmp_path_factory.mktemp("installation"), {READS: "reads", WRITES: "writes"}
    with installation(migrated, folder, policy="", env=credentials) as opened:
        yield opened


def environment(pid: int) -> dict[str, str]:
    """Return what the process was given."""
    pairs = (pair.partition("=") for pair in Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0") if pair)
    return {name: value for name, _, value in pairs}


class TestClosed:
    """Whoever reaches the server without the key, or through somebody's browser, gets nothing and starts nothing."""

    @pytest.fixture(autouse=True)
    def _nothing_came_of_it(self, up: Installation) -> Iterator[None]:
        before = self._runs(up)
        yield
        assert self._runs(up) == before

    @staticmethod
    def _runs(up: Installation) -> set[str]:
        named = {"flow_runs": {"name": {"any_": ["attack"]}}}
        return {run["id"] for run in up.api.post("/flow_runs/filter", json=named).raise_for_status().json()}

    @pytest.mark.parametrize("auth", [None, ("lastday", ""), ("lastday", "wrong"), ("", "")], ids=str)
    def test_key(self, up: Installation, auth: tuple[str, str] | None) -> None:
        """Without the key, or with another, nothing is read and nothing is made."""
        path = f"/deployments/{up.deployment()}/create_flow_run"
        with httpx.Client(base_url=up.stack.api_url, auth=auth, trust_env=False) as stranger:
            assert stranger.get("/work_pools/lastday").status_code == 401
            assert stranger.post("/flow_runs/filter", json={}).status_code in {401, 403}
            made = stranger.post(path, json={"name": "attack", "job_variables": {"command": "id"}})
            assert made.status_code in {401, 403}

    @pytest.mark.parametrize(
        "origin", ["http://elsewhere.example", "null", "http://localhost:4200", "https://127.0.0.1"]
    )
    def test_origin(self, up: Installation, origin: str) -> None:
        """A page of another site is refused even with the key, and no browser is told that it may read."""
        path = f"/deployments/{up.deployment()}/create_flow_run"
        made = up.api.post(path, json={"name": "attack"}, headers={"Origin": origin})
        asked = up.api.options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        read = up.api.get("/work_pools/lastday", headers={"Origin": origin})
        assert [made.status_code, asked.status_code, read.status_code] == [403, 403, 403]
        assert "access-control-allow-origin" not in {*made.headers, *asked.headers, *read.headers}

    @pytest.mark.parametrize("host", ["elsewhere.example", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
    def test_host(self, up: Installation, host: str) -> None:
        """A name that leads here without being ours (DNS rebinding) is refused even with the key."""
        path = f"/deployments/{up.deployment()}/create_flow_run"
        assert up.api.post(path, json={"name": "attack"}, headers={"Host": host}).status_code == 421
        assert up.api.get("/work_pools/lastday", headers={"Host": host}).status_code == 421

    @pytest.mark.parametrize(
        "kind", ["text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", None]
    )
    def test_body(self, up: Installation, kind: str | None) -> None:
        """A body that a browser sends without asking first is refused, whatever is in it."""
        path = f"/deployments/{up.deployment()}/create_flow_run"
        headers = {"Content-Type": kind} if kind is not None else {}
        assert up.api.post(path, content=b'{"name": "attack"}', headers=headers).status_code == 415

    def test_token(self, up: Installation) -> None:
        """Without the CSRF token nothing is changed, even with the key."""
        path = f"/deployments/{up.deployment()}/create_flow_run"
        with up.stack.client() as client:
            assert client.post(path, json={"name": "attack"}).status_code == 403

    def test_own_page(self, up: Installation) -> None:
        """The page of the server itself may ask, and no other site may frame it."""
        own = {"Origin": up.stack.ui_url}
        assert up.api.get("/work_pools/lastday", headers=own).status_code == 200
        assert "frame-ancestors 'none'" in up.api.get("/work_pools/lastday").headers["content-security-policy"]

    @pytest.mark.parametrize(
        ("key", "origin"), [("wrong", None), ("right", "http://elsewhere.example")], ids=["key", "origin"]
    )
    def test_events(self, up: Installation, key: str, origin: str | None) -> None:
        """The stream of events is closed to a stranger and to another site's page."""
        secret = up.stack.env["PREFECT_API_AUTH_STRING"] if key == "right" else "lastday:wrong"
        address = up.stack.api_url.replace("http:", "ws:") + "/events/out"
        with pytest.raises(websockets.exceptions.WebSocketException):
            first_word(address, secret, origin)

    def test_events_for_us(self, up: Installation) -> None:
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
    def test_variables(self, up: Installation, brought: dict[str, Any]) -> None:
        """A run, a change of a run, or a new deployment that brings a command, an environment or a path is refused, key or not."""
        deployment = up.api.get("/deployments/name/offboard/offboard").raise_for_status().json()
        create = f"/deployments/{deployment['id']}/create_flow_run"
        body = {"name": "attack", "parameters": {"case_id": NO_CASE}}
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

    def test_own_pool_and_deployment(self, up: Installation, tmp_path: Path) -> None:
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
                ended = up.run_over(run.json()["id"])
                assert ended["state_type"] in {"CRASHED", "FAILED"}
        finally:
            up.insist("PATCH", "/work_pools/lastday", json={"base_job_template": pool["base_job_template"]})
        assert not proof.exists()


class TestStorage:
    def test_of_the_server(self, up: Installation) -> None:
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
            body = {"parameters": {"case_id": NO_CASE}}
            run = up.insist("POST", f"/deployments/{up.deployment()}/create_flow_run", json=body).json()["id"]
            ended = up.run_over(run)
        finally:
            up.insist("DELETE", "/admin/storage")
        assert (ended["state_type"], "UnknownBlockType" in ended["state"]["message"]) == ("FAILED", False)


class TestCredentials:
    def test_tiers(self, up: Installation) -> None:
        """Prefect's server has no setting of ours, the watching process none that revokes; worker and serving process have all."""
        given = {name: environment(up.stack.pid(name)) for name in ("server", "worker", "serve", "watch")}
        assert [name for name in given["server"] if name.startswith("LASTDAY_")] == []
        assert (READS in given["watch"], WRITES in given["watch"]) == (True, False)
        assert {READS, WRITES} <= given["worker"].keys() & given["serve"].keys()

    def test_key_file(self, up: Installation) -> None:
        """The key lies in a file of its owner's alone, and in no log."""
        secret = up.stack.key_file.read_text().strip()
        assert up.stack.key_file.stat().st_mode & 0o777 == 0o600
        assert up.stack.env["PREFECT_API_AUTH_STRING"] == secret
        assert secret.partition(":")[2] not in up.logs()


class TestSettings:
    def test_v2_interface_is_off(self, up: Installation) -> None:
        """The page that calls a third party from the browser is not the one that is served."""
        page = httpx.get(up.stack.ui_url, trust_env=False, follow_redirects=True)
        assert page.status_code == 200
        assert "/v2" not in str(page.url)
        assert "amplitude" not in page.text

    def test_zombies(self, up: Installation) -> None:
        """A run whose process died is called crashed by a rule that we bring along, once."""
        rules = up.api.post("/automations/filter", json={}).json()
        assert [rule["name"] for rule in rules] == ["lastday: runs without heartbeat"]

    @pytest.mark.parametrize("process", ["serve", "watch"])
    def test_own_processes(self, up: Installation, process: str) -> None:
        """What is due, and what is looked at afterwards, have each a process of their own."""
        os.kill(up.stack.pid(process), 0)

    def test_sweep_survives(self, up: Installation) -> None:
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
    def _queues(self, up: Installation) -> dict[str, tuple[int, int | None, bool]]:
        found = up.api.post("/work_pools/lastday/queues/filter", json={}).raise_for_status().json()
        return {queue["name"]: (queue["priority"], queue["concurrency_limit"], queue["is_paused"]) for queue in found}

    def test_a_cut_and_its_repetition(self, up: Installation) -> None:
        """A due case's run stands in the queue of cuts, a plan's in its own, and one that is made again in the last."""
        told = up.python(
            "import asyncio\n"
            "from datetime import UTC, datetime, timedelta\n"
            "from casework.sweeping import DueGroup\n"
            "from flows.scheduling import _create, _deployment, orders, place, prefect_api\n"
            "at = datetime.now(UTC) + timedelta(days=1)\n"
            f"groups = [DueGroup(at, ({NO_CASE!r},), purpose, purpose) for purpose in ('offboard', 'again', 'plan')]\n"
            "async def make():\n"
            "    async with prefect_api() as client:\n"
            "        for order in orders(groups):\n"
            "            run = await _create(client, order, await _deployment(client, place(order)[0]))\n"
            "            print((await client.read_flow_run(run)).work_queue_name)\n"
            "            await client.delete_flow_run(run)\n"
            "asyncio.run(make())\n"
        )
        assert told.split() == ["cuts", "rest", "plans"]

    def test_an_upgrade(self, up: Installation) -> None:
        """Deploying again lets go on what somebody paused or limited, and takes away the schedule that an older version made."""
        named = up.api.get("/deployments/name/anchor/anchor").raise_for_status().json()["id"]
        up.insist("POST", f"/deployments/{named}/schedules", json=[{"schedule": {"cron": "7 * * * *"}, "active": True}])
        cuts = up.api.get("/work_pools/lastday/queues/cuts").raise_for_status().json()["id"]
        up.insist("PATCH", f"/work_queues/{cuts}", json={"is_paused": True, "concurrency_limit": 0})
        deploy = [sys.executable, "-m", "flows.deploy"]
        subprocess.run(deploy, cwd=CHECKOUT, env=dict(up.stack.env), check=True, capture_output=True)
        assert up.api.get("/deployments/name/anchor/anchor").raise_for_status().json()["schedules"] == []
        queues = self._queues(up)
        assert {name: queues[name] for name in ("cuts", "plans", "rest")} == {
            "cuts": (1, None, False), "plans": (2, 2, False), "rest": (3, 1, False),
        }  # fmt: skip


class TestEnd:
    def test_started_again(self, up: Installation) -> None:
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

    def test_sigterm(self, up: Installation) -> None:
        """The stack's processes stop when they are told to, and leave no one of their group behind."""
        group = os.getpgid(up.stack.pid("worker"))
        up.stack.stop()
        os.waitpid(group, 0)  # the watchdog, its head
        with pytest.raises(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
