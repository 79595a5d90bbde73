"""Two administrators who leave at one instant, by two processes of the operating system on one database: one of them stays."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulators.company import person
from emulators.microsoft365.directory import GLOBAL_ADMINISTRATOR, ROLES, guid
from emulators.tenants import Company
from tests.terminal_house import House

CHECKOUT = Path(__file__).resolve().parents[2]
BOTH = ("E1001", "E1002")
RUN = "import sys; from cli.app import main; sys.exit(main(sys.argv[1:]))"


def processes(house: House, *cases: str) -> list[int]:
    """Run each case in a process of its own, all at once, and return how they ended."""
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", RUN, "run", case], env=env, cwd=house.directory, stdout=subprocess.DEVNULL
        )
        for case in cases
    ]
    return [one.wait(60) for one in begun]


def test_leave_one_global_administrator(house: House, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last two, each carried by a process that knows nothing of the other: one is disabled, the other is told of with what to do."""
    monkeypatch.setenv("LASTDAY_SERVICES", "microsoft365")
    tenant: Any = company.tenants["microsoft365"]
    users, rule = tenant.directory.users, tenant.directory
    for name in ("main", "write"):  # our own credentials may touch administrators
        rule.assign(guid(f"application:lastday {name}"), ROLES["Privileged Authentication Administrator"])
    leaving = {number: tenant.user_id(number) for number in BOTH}
    for user in users:
        if user not in leaving.values() and user in administrators(rule):
            users[user]["accountEnabled"] = False
    ended = str((datetime.now(UTC) - timedelta(days=2)).date())
    cases = []
    for number, user in leaving.items():
        rule.assign(user, GLOBAL_ADMINISTRATOR)
        who = person(number)
        answer = house.json("depart", "--for-real", "--employee-no", number, "--name", who.name, "--email", who.email,
                          "--employment-ends-on", ended, "--kind", "resignation")  # fmt: skip
        cases.append(answer["cases"][0]["case"])
        house.lastday("plan", cases[-1])  # which of the two is told of by now goes by their cases' names
    processes(house, *cases)
    assert sorted(users[user]["accountEnabled"] for user in leaving.values()) == [False, True]
    found = [house.lastday("show", case, "--json").json["findings"] for case in cases]
    guarded = [[one["remedy"] for one in each if one["kind"] == "guarded"] for each in found]
    (told,) = filter(None, guarded)
    assert all("Make somebody who stays" in remedy for remedy in told)


def administrators(directory: Any) -> set[str]:
    """Return who is a global administrator there."""
    held = directory.role_assignments.values()
    return {one["principalId"] for one in held if one["roleDefinitionId"] == GLOBAL_ADMINISTRATOR}
