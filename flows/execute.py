"""
Execute one run in its own process: `python -m flows.execute`, with the run's id in `PREFECT__FLOW_RUN_ID`.

Finds the flow by its name.  Does not read a deployment's entrypoint, pull steps and storage, which Prefect's own engine would
follow, and loads no result from the server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.engine import handle_engine_signals
from prefect.flow_engine import load_flow_run, run_flow

FLOWS = {"plan": "plan", "offboard": "offboard", "offboard-many": "offboard_many", "anchor": "anchor"}
"""The flows that a deployment may name, and the name of their module and function."""


def find_flow(name: str) -> Flow[Any, Any]:
    """Return our flow of that name.  Raises `SystemExit` (3) for any other name: the run counts as crashed."""
    if name not in FLOWS:
        sys.stderr.write(f"flows.execute: not a flow of this checkout: {name!r}\n")
        sys.exit(3)
    flow: Flow[Any, Any] = getattr(import_module(f"flows.{FLOWS[name]}"), FLOWS[name])
    return flow


def main() -> None:
    """Run the flow to its end; the result is the run's state."""
    run_id = UUID(os.environ["PREFECT__FLOW_RUN_ID"])
    with handle_engine_signals(run_id):
        flow_run = load_flow_run(run_id)
        with get_client(sync_client=True) as client:
            name = client.read_flow(flow_run.flow_id).name
        running = run_flow(find_flow(name), flow_run=flow_run, return_type="state")
        asyncio.run(cast("Coroutine[Any, Any, State[Any]]", running))  # all our flows are asynchronous


if __name__ == "__main__":
    main()
