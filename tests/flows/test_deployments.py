"""prefect.yaml, and what the flows promise to Prefect."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # Prefect's dependency, without type information
from prefect import Flow, Task

from cli.processes import CHECKOUT, SETTINGS
from flows.execute import FLOWS, find_flow
from flows.worker import BASE_JOB_TEMPLATE, POOL, NothingFromOutside, Worker

TEXT = (CHECKOUT / "prefect.yaml").read_text()
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(TEXT)["deployments"]


class TestDeployments:
    def test_no_absolute_path(self) -> None:
        """The file holds for any checkout."""
        settings = re.sub(r"#.*", "", TEXT)
        assert re.findall(r"[\s\"':]/\w", settings) == []

    @pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
    def test_rules(self, deployment: dict[str, Any]) -> None:
        """No schedule but the anchors', no dropped run, no parameter that is not a case's id, one pool."""
        assert ("schedules" in deployment) is (deployment["name"] == "anchor")
        assert deployment["concurrency_limit"]["collision_strategy"] == "ENQUEUE"
        assert deployment["enforce_parameter_schema"] is True
        assert deployment["work_pool"] == {"name": POOL}

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
        found = await NothingFromOutside.from_template_and_values(template, {brought: value})
        assert found == NothingFromOutside()

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


class TestTasks:
    @pytest.mark.parametrize("module", ["flows.steps", "flows.offboard_many"])
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
