"""Kill -9 in the middle of a case, then run it again: the same end, and a complete trail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from emulators.tenants import Company
from tests.terminal_house import House

LEAVER = "E1001"
RUN = "import sys\nfrom cli.app import main\nsys.exit(main(sys.argv[1:]))"
CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLED, EVERYWHERE = (25, 60, 95), tuple(range(2, 170, 12))


def report(house: House) -> str:
    """Report the leaver, due since a while, and settle what Slack can never show; return the case."""
    place = ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31", "--reason", "no API")
    house.json("approve", house.json("waive", *place, "--as", "taro")["waiver"], "--as", "hanako")
    return house.one_case("--for-real", "--email", "misaki.tanaka@hoshizora.example", number=LEAVER)


def kill_after(house: House, company: Company, case: str, requests: int) -> bool:
    """Run the case in a process of its own and kill it after so many requests; return whether it was still at work."""
    before = seen(company)
    child = subprocess.Popen(
        [sys.executable, "-c", RUN, "run", case, "--json"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        cwd=house.directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while child.poll() is None and seen(company) - before < requests:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def seen(company: Company) -> int:
    """Return the number of requests that have reached the tenants."""
    return sum(len(stage.journal) for stage in company.stages.values())


def let_the_lease_end(house: House) -> None:
    """Do as if the 20 seconds had passed after which a dead run's hold on its case ends."""
    with closing(connect(house.directory / "lastday.db")) as database, database:
        database.execute("UPDATE offboarding_case SET lease_until = '2026-01-01 00:00:00.000000'")


def held(company: Company) -> dict[str, set[str]]:
    """Return what the tenants themselves still grant the leaver."""
    google, slack = (company.tenants[name] for name in ("google_workspace", "slack"))
    entra, user = company.tenants["microsoft365"], company.truths["microsoft365"].account_id(LEAVER)
    return {
        "google_workspace": google.held(company.truths["google_workspace"].account_id(LEAVER)),
        "slack": slack.held(company.truths["slack"].account_id(LEAVER)),
        "microsoft365": {
            *(f"sign_in:{enabled}" for enabled in [entra.directory.users[user]["accountEnabled"]] if enabled),
            *(f"session:{issued}" for issued in entra.live_sessions(user)),
            *(f"group:{group}" for group, member in entra.directory.members if member == user),
            *(f"owner:{group}" for group, owner in entra.directory.owners if owner == user),
            *(f"role:{key}" for key, row in entra.directory.role_assignments.items() if row["principalId"] == user),
            *(f"grant:{key}" for key, row in entra.directory.grants.items() if row["principalId"] == user),
        },
    }


def finish_and_judge(house: House, company: Company, case: str) -> None:
    """Run the case again and hold its end to what an undisturbed case's is."""
    let_the_lease_end(house)
    shown = house.json("run", case)
    assert shown["state"] == "closed"
    assert shown["open_intents"] == 0
    checked = house.json("trail", "check")
    assert checked["sound"]
    assert checked["open_intents"] == 0
    assert held(company) == {name: set() for name in company.tenants}
    for name, truth in company.truths.items():
        assert truth.changed() == {truth.account_id(LEAVER)}, name
        taken = Counter(r.line for r in company.stages[name].journal if r.method == "DELETE")
        assert max(taken.values(), default=0) <= 2, "once before the kill, once after it, and no more"


class TestKilled:
    def test_never(self, house: House, company: Company) -> None:
        """Undisturbed, the case closes, and the tenants grant nothing any more."""
        finish_and_judge(house, company, report(house))

    @pytest.mark.parametrize("requests", SAMPLED)
    def test_in_the_middle(self, house: House, company: Company, requests: int) -> None:
        """A process killed at some point leaves a case that the next run finishes, as if nothing had been."""
        case = report(house)
        assert kill_after(house, company, case, requests), "it was killed at work"
        finish_and_judge(house, company, case)

    @pytest.mark.chaos
    @pytest.mark.parametrize("requests", EVERYWHERE)
    def test_anywhere(self, house: House, company: Company, requests: int) -> None:
        """The same wherever the kill falls."""
        case = report(house)
        kill_after(house, company, case, requests)
        finish_and_judge(house, company, case)

    def test_twice(self, house: House, company: Company) -> None:
        """Killed again while it catches up, it still comes to the same end."""
        case = report(house)
        assert kill_after(house, company, case, SAMPLED[0])
        let_the_lease_end(house)
        kill_after(house, company, case, SAMPLED[1])
        finish_and_judge(house, company, case)
