"""prefect.yaml, and what the flows promise to Prefect."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
import yaml  # type: ignore[import-untyped]  # Prefect's dependency, without type information
from prefect import Flow, Task
from prefect.client.schemas.objects import FlowRun
from prefect.workers.base import BaseWorker

from flows.api_server import LocalRequestMiddleware
from flows.deploy import QUEUES
from flows.execute import FLOWS, find_flow
from flows.redaction import HERE
from flows.worker import BASE_JOB_TEMPLATE, LIMIT, POOL, LocalConfiguration, Worker, _end
from stack.environments import SETTINGS
from stack.processes import CHECKOUT

TEXT = (CHECKOUT / "prefect.yaml").read_text()
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(TEXT)["deployments"]


class TestDeployments:
    def test_no_absolute_path(self) -> None:
        """The file holds for any checkout."""
        settings = re.sub(r"#.*", "", TEXT)
        assert re.findall(r"[\s\"':]/\w", settings) == []

    @pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
    def test_rules(self, deployment: dict[str, Any]) -> None:
        """No schedule, no dropped run, what cuts in no limit but the queue's, no parameter but a case's id, one pool."""
        name = deployment["name"]
        assert "schedules" not in deployment
        assert ("concurrency_limit" in deployment) is (name == "anchor")
        assert deployment.get("concurrency_limit", {}).get("collision_strategy", "ENQUEUE") == "ENQUEUE"
        assert deployment["enforce_parameter_schema"] is True
        queue = {"plan": "plans", "anchor": "rest"}.get(name, "cuts")
        assert deployment["work_pool"] == {"name": POOL, "work_queue_name": queue}

    def test_a_slot_is_left_for_cuts(self) -> None:
        """Plans and repetitions together never fill one worker, and cuts come first and in no limit."""
        assert next(iter(QUEUES.items())) == ("cuts", None)
        assert sum(limit or 0 for limit in QUEUES.values()) < LIMIT
        assert {deployment["work_pool"]["work_queue_name"] for deployment in DEPLOYMENTS} == QUEUES.keys()

    @pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
    def test_entrypoint(self, deployment: dict[str, Any]) -> None:
        """Each deployment's flow exists under the deployment's name, and neither retries nor keeps results."""
        module, _, name = deployment["entrypoint"].rpartition(".")
        flow = getattr(import_module(module), name)
        assert isinstance(flow, Flow)
        assert (flow.name, flow.retries, flow.persist_result) == (deployment["name"], 0, False)


class TestWorker:
    @pytest.mark.parametrize("brought", ["command", "env", "working_dir", "name", "labels"])
    async def test_nothing_from_outside(self, brought: str) -> None:
        """Whatever pool, deployment and run say of how a run is started, the worker starts it as it starts every other."""
        value = {"env": {"A": "b"}, "labels": {"A": "b"}}.get(brought, "evil")
        template = {"job_configuration": {brought: value}, "variables": {"properties": {brought: {"default": value}}}}
        found = await LocalConfiguration.from_template_and_values(template, {brought: value})
        assert found == LocalConfiguration()

    def test_pool(self) -> None:
        """A pool that the worker makes takes no variable at all."""
        assert Worker.get_default_base_job_template() == BASE_JOB_TEMPLATE
        assert BASE_JOB_TEMPLATE["variables"] == {"type": "object", "properties": {}, "additionalProperties": False}

    def test_our_flows_alone(self) -> None:
        """The flows that a run may name are those of prefect.yaml, found in this checkout whatever a deployment says."""
        assert FLOWS.keys() == {deployment["name"] for deployment in DEPLOYMENTS}
        assert {name: find_flow(name).name for name in FLOWS} == {name: name for name in FLOWS}

    @pytest.mark.parametrize("name", ["", "sweep", "evil", "../offboard", "offboard_many"])
    def test_no_other(self, name: str) -> None:
        """Any other name ends the run's process before anything is loaded."""
        with pytest.raises(SystemExit) as ended:
            find_flow(name)
        assert ended.value.code == 3


class TestSlots:
    """What Prefect 3.8's own worker gets wrong with its slots, each of which stopped every later cut."""

    @pytest.fixture
    def worker(self) -> Worker:
        made = Worker(work_pool_name=POOL, limit=2)
        made._limiter = anyio.CapacityLimiter(2)
        return made

    async def test_a_run_that_is_carried_is_not_taken_twice(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A run that somebody schedules again while it runs is left alone; the worker lives."""
        carried, fresh = FlowRun(flow_id=uuid4()), FlowRun(flow_id=uuid4())
        worker.limiter.acquire_on_behalf_of_nowait(carried.id)
        taken: list[UUID] = []

        async def take(_: object, entries: list[Any]) -> list[FlowRun]:
            taken.extend(entry.flow_run.id for entry in entries)
            return []

        monkeypatch.setattr(BaseWorker, "_submit_scheduled_flow_runs", take)
        both: Any = [SimpleNamespace(flow_run=run) for run in (carried, fresh)]
        await worker._submit_scheduled_flow_runs(both)
        assert taken == [fresh.id]

    @pytest.mark.parametrize("raises", [False, True])
    async def test_a_run_that_never_began_gives_its_slot_back(
        self, worker: Worker, monkeypatch: pytest.MonkeyPatch, raises: bool
    ) -> None:
        """A deployment that is gone, or any other failure before the run's process is there, costs no slot and no worker."""
        run = FlowRun(flow_id=uuid4())
        worker.limiter.acquire_on_behalf_of_nowait(run.id)

        async def submit(_: object, __: FlowRun) -> None:
            if raises:
                raise RuntimeError("its deployment is gone")

        monkeypatch.setattr(BaseWorker, "_submit_run", submit)
        await worker._submit_run(run)
        assert worker.limiter.borrowed_tokens == 0

    async def test_a_run_that_began_keeps_its_slot(self, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run whose process is there holds its slot until that ends."""
        run = FlowRun(flow_id=uuid4())
        worker.limiter.acquire_on_behalf_of_nowait(run.id)

        async def submit(self: Worker, begun: FlowRun) -> None:
            self._begun.add(begun.id)

        monkeypatch.setattr(BaseWorker, "_submit_run", submit)
        await worker._submit_run(run)
        assert worker.limiter.borrowed_tokens == 1

    async def test_what_does_not_stop_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker that is stopped leaves no run behind, not even one that ignores being asked."""
        monkeypatch.setattr("flows.worker._GRACE", 0.5)
        code = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        await child.stdout.readline()
        await _end(child)
        assert child.returncode == -signal.SIGKILL


class TestResults:
    def test_stay_here(self) -> None:
        """No flow asks Prefect's server where to keep what it leaves behind: that may be anything that somebody put there."""
        modules = [
            import_module(f"flows.{path.stem}") for path in (CHECKOUT / "flows").glob("*.py") if path.stem != "__init__"
        ]
        flows = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Flow)}
        assert len(flows) == 4  # those that are taken in turns: `test_periodic`
        assert {name: flow.result_storage for name, flow in flows.items()} == dict.fromkeys(flows, HERE)


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "host", "origin"),
        [
            ("https://prefect.example.com:443", "prefect.example.com", "https://prefect.example.com"),
            ("http://prefect.example.com:80/api", "prefect.example.com", "http://prefect.example.com"),
            ("http://[::1]:4200/api", "[::1]:4200", "http://[::1]:4200"),
            ("HTTPS://Prefect.Example.com", "prefect.example.com", "https://prefect.example.com"),
        ],
    )
    async def test_as_a_browser_sends_them(self, address: str, host: str, origin: str) -> None:
        """An address is compared as browsers send it: lower case, in brackets, without the scheme's own port."""
        reached: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            reached.append(scope["path"])

        async def nothing(*_: Any) -> Any:
            return None

        guarded = LocalRequestMiddleware(app, [address])
        headers = [(b"host", host.encode()), (b"origin", origin.encode())]
        await guarded({"type": "http", "method": "GET", "path": "/x", "headers": headers}, nothing, nothing)
        assert reached == ["/x"]


class TestTasks:
    @pytest.mark.parametrize("module", ["flows.offboard", "flows.offboard_many"])
    def test_no_retries(self, module: str) -> None:
        """No task that revokes is repeated by Prefect, nor is anything of it kept."""
        tasks = [value for value in vars(import_module(module)).values() if isinstance(value, Task)]
        assert tasks != []
        assert {(task.retries, task.persist_result) for task in tasks} == {(0, False)}


class TestSettings:
    def test_quiet(self) -> None:
        """Nothing calls out, and a lost address makes no private database."""
        assert SETTINGS["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        assert SETTINGS["DO_NOT_TRACK"] == "1"
        assert SETTINGS["PREFECT_SERVER_UI_V2_ENABLED"] == "false"
        assert SETTINGS["PREFECT_SERVER_EPHEMERAL_ENABLED"] == "false"
