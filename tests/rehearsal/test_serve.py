"""The serving process alone cuts what is due: with no Prefect, no worker, a vendor that is silent, a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect

import pytest

from emulators.fault_proxy import Fault
from emulators.tenants import Company
from tests.terminal_house import House

CHECKOUT = Path(__file__).resolve().parents[2]
LEAVER = "E1001"
WITHIN = 30.0
"""A loaded machine's seconds; the figures are `make bench`'s."""


@contextmanager
def serving(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """Start a serving process whose Prefect is dead, and wait until it looks."""
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PREFECT_API_URL": "http://127.0.0.1:9/api",
           "PREFECT_SERVER_EPHEMERAL_ENABLED": "false", "PREFECT_HOME": str(house.directory / "prefect")}  # fmt: skip
    with (house.directory / "serve.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "flows.serve"], env=env, cwd=house.directory, stdout=log, stderr=log
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def blocked(company: Company) -> set[str]:
    """Return where the leaver cannot sign in any more, by each tenant's own truth."""
    google, slack, entra = (company.tenants[name] for name in ("google_workspace", "slack", "microsoft365"))
    ids = {name: truth.account_id(LEAVER) for name, truth in company.truths.items()}
    found = {
        "google_workspace": any(user.suspended for user in google.users.values() if user.id == ids["google_workspace"]),
        "slack": any(member.deactivated_at for member in slack.members.values() if member.id == ids["slack"]),
        "microsoft365": not entra.directory.users[ids["microsoft365"]]["accountEnabled"],
    }
    return {name for name, gone in found.items() if gone}


def wait_for(house: House, company: Company, wanted: set[str]) -> None:
    deadline = time.monotonic() + WITHIN
    while blocked(company) < wanted:
        assert time.monotonic() < deadline, (blocked(company), (house.directory / "serve.log").read_text()[-3_000:])
        time.sleep(0.05)


def emergency(house: House) -> str:
    return house.one_case(
        "--for-real", "--email", "misaki.tanaka@hoshizora.example", "--kind", "dismissal", number=LEAVER
    )


def ended(house: House, case: str) -> str:
    """Wait until the case was carried to its end, and return its state."""
    deadline = time.monotonic() + 2 * WITHIN
    while time.monotonic() < deadline:
        with closing(connect(house.directory / "lastday.db")) as database:
            query = "SELECT state, lease_holder FROM offboarding_case WHERE id = ?"
            state, holder = database.execute(query, (case,)).fetchone()
        if holder is None and state in {"deprovisioned", "closed"}:
            return str(state)
        time.sleep(0.2)
    raise AssertionError((state, (house.directory / "serve.log").read_text()[-3_000:]))


class TestServe:
    def test_cuts_without_prefect(self, house: House, company: Company) -> None:
        """An emergency that no run can be made for is cut in all services, by one process, and carried to its end."""
        with serving(house):
            case = emergency(house)
            wait_for(house, company, set(company.tenants))
            assert ended(house, case) == "deprovisioned"  # what Slack has no API for was not waived
        for name, truth in company.truths.items():
            assert truth.changed() == {truth.account_id(LEAVER)}, name

    def test_a_silent_service_keeps_no_other_waiting(self, house: House, company: Company) -> None:
        """Slack takes the connection and never answers: the other two are cut all the same."""
        company.stages["slack"].faults.append(Fault(".", delay=120, times=None))
        with serving(house):
            emergency(house)
            wait_for(house, company, {"google_workspace", "microsoft365"})
            company.stages["slack"].faults.clear()

    def test_leaves_a_paused_case_alone_until_two_resume(self, house: House, company: Company) -> None:
        """An emergency that comes in while everything is paused is not touched; resumed, it is cut within seconds."""
        made = house.json("pause", "--everything", "--reason", "drill", "--as", "taro")["pause"]
        with serving(house):
            emergency(house)
            time.sleep(6)
            assert [truth.changed() for truth in company.truths.values()] == [set()] * 3
            request = house.json("resume", made, "--reason", "over", "--as", "taro")["request"]
            house.json("approve", request, "--as", "hanako")
            wait_for(house, company, set(company.tenants))

    @pytest.mark.parametrize("requests", [15, 60])
    def test_another_goes_on_where_one_was_killed(self, house: House, company: Company, requests: int) -> None:
        """Killed in the middle of the cut; the lease of the dead ends by itself, and what it left open is concluded by a read."""
        with serving(house) as first:
            case = emergency(house)
            deadline = time.monotonic() + WITHIN
            while sum(len(stage.journal) for stage in company.stages.values()) < requests:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            first.send_signal(signal.SIGKILL)
        with serving(house):
            wait_for(house, company, set(company.tenants))
            ended(house, case)
        assert house.json("trail", "check")["open_intents"] == 0
