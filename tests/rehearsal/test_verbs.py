"""The verbs that need tenants, on the emulated company, through the vendors' own SDKs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from emulators.company import person
from emulators.tenants import Company, tenants
from rehearsal.live_table import LiveState, at_rest
from tests.rehearsal.conftest import POLICY
from tests.terminal_house import House

CHECKOUT = Path(__file__).resolve().parents[2]
PLAIN = "E1001"


def depart(house: House, number: str, *words: str, verb: str = "depart") -> str:
    """Report one of the company's people, with the address that HR knows; return the case."""
    who = person(number)
    day = "--last-working-at" if verb == "leave" else "--employment-ends-on"
    kind = () if verb == "leave" or "--kind" in words else ("--kind", "resignation")
    answer = house.json(
        verb, "--employee-no", number, "--name", who.name, "--email", who.email, day, "2026-11-20", *kind, *words
    )
    case: str = answer["cases"][0]["case"]
    return case


def waive_what_slack_hides(house: House) -> None:
    """Settle Slack's tokens for the tenant, by two people."""
    place = ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31", "--reason", "no API")
    house.json("approve", house.json("waive", *place, "--as", "taro")["waiver"], "--as", "hanako")


def states(shown: dict[str, Any], kind: str) -> set[tuple[str, str]]:
    """Return (service, state) of each row of one kind."""
    return {(a["service"], row["state"]) for a in shown["accounts"] for row in a["entitlements"] if row["kind"] == kind}


class TestDoctor:
    def test_all_there(self, house: House, company: Company) -> None:
        """Each service says its plan, whose account our credentials are, and for each kind what we may do."""
        found = house.json("doctor", code=1)  # 1: Slack has no API for tokens of others, Entra guards administrators
        assert {row["state"] for row in [*found["checks"], *found["services"]]} == {"ok"}
        for service in found["services"]:
            assert service["own_accounts"]
            assert {kind["kind"] for kind in service["kinds"]} >= {"sign_in", "session", "group"}
        slack = next(service for service in found["services"] if service["service"] == "slack")
        (grant,) = [kind for kind in slack["kinds"] if kind["kind"] == "grant"]
        assert (grant["list"], grant["revoke"]) == (False, False)
        assert grant["problem"]
        assert grant["remedy"]

    def test_refused_credential(self, house: House, company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tenant that does not let us in is named with a remedy; the others are examined all the same."""
        monkeypatch.setenv("LASTDAY_SERVICES", "google_workspace,slack")
        for purpose in ("", "BOT_", "SCIM_", "AUDIT_"):
            monkeypatch.setenv(f"LASTDAY_SLACK_{purpose}TOKEN", "xoxp-0000-nobody")
        found = house.json("doctor", code=2)
        rows = {row["service"]: row for row in found["services"]}
        assert rows["google_workspace"]["state"] == "ok"
        assert rows["slack"]["state"] == "failed"
        assert "xoxp-0000-nobody" not in json.dumps(found)


class TestRun:
    def test_plan_only(self, house: House, company: Company) -> None:
        """Without the recorded decision a run ends with the plan, and no tenant is changed."""
        shown = house.json("run", depart(house, PLAIN), code=1)  # 1: Slack's tokens are a finding
        assert shown["state"] == "waiting"
        assert {state for _, state in states(shown, "sign_in")} == {"found"}
        assert all(truth.changed() == set() for truth in company.truths.values())

    def test_for_real(self, house: House, company: Company) -> None:
        """With it, the case is closed: seen closed in each service."""
        waive_what_slack_hides(house)
        shown = house.json("run", depart(house, PLAIN), "--for-real")
        assert shown["state"] == "closed"
        assert states(shown, "sign_in") == {(name, "observed_closed") for name in company.tenants}
        assert house.json("run", shown["case"])["state"] == "closed", "once more changes nothing"

    def test_synced_from_on_premises(self, house: House, company: Company) -> None:
        """An account that is mastered elsewhere is a finding with a remedy, and the command says that some remain."""
        waive_what_slack_hides(house)
        house.file("policy.toml", POLICY.replace("10", "1"))
        shown = house.json("run", depart(house, "E1004", "--for-real"), code=1)
        mastered = {f["entitlement"].split(":")[2]: f for f in shown["findings"] if f["kind"] == "mastered_elsewhere"}
        assert set(mastered) == {"sign_in", "group"}
        assert "attest" in mastered["sign_in"]["remedy"]
        assert "Active Directory" in mastered["group"]["remedy"]
        assert shown["state"] != "closed"

    def test_not_due(self, house: House, company: Company) -> None:
        """A run for a day that is far away seals the plan and says that it is not due."""
        case = depart(house, PLAIN, "--for-real")
        house.json("reschedule", case, "--ends-on", "2099-12-31")
        assert "not due" in house.json("run", case, code=1)["error"]
        assert house.json("show", case, code=1)["state"] == "waiting"

    def test_for_people(self, house: House, company: Company) -> None:
        """Without --json the truth table is shown, with names, findings and remedies."""
        said = house.lastday("plan", depart(house, "E1001"))
        assert said.code == 1
        assert "misaki.tanaka@" in said.out
        assert "no api" in said.out


class TestNamesake:
    @pytest.fixture
    def company(self, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The company whose Slack knows no employee numbers: there a name is all that is left."""
        options = {"employee_numbers": False}
        with tenants(house.directory / "tenants", spare_owners=True, slack_options=options) as there:
            for name, value in there.env.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("LASTDAY_POLICY_FILE", house.file("policy.toml", POLICY))
            yield there

    def test_is_asked_about(self, house: House, company: Company) -> None:
        """
        Two people of one name, and a notice without an address: one question for all services, a person decides with both
        shown, and the innocent is untouched.  An answer can be taken back.
        """
        waive_what_slack_hides(house)
        words = (
            "--employee-no",
            "E1002",
            "--name",
            "佐藤 健",
            "--employment-ends-on",
            "2026-11-20",
            "--for-real",
            "--kind",
            "resignation",
        )
        case = house.json("depart", *words)["cases"][0]["case"]
        (question,) = house.json("run", case, code=1)["questions"]
        theirs, other = (company.truths["slack"].account_id(number) for number in ("E1002", "E1003"))
        namesake = company.truths["microsoft365"].account_id("E1003")
        asked = {(o["service"], o["account"]) for o in question["options"] if o["standing"] == "asked"}
        assert asked == {("slack", theirs), ("slack", other), ("microsoft365", namesake)}
        seen, again = (("--revision", str(question["revision"] + more)) for more in (0, 1))
        assert "was not asked" in house.json("answer", question["id"], "--account", "U0", *seen, code=2)["error"]
        assert house.json("answer", question["id"], "--account", other, *seen, "--as", "it")["chosen"] == [other]
        assert house.json("answer", question["id"], "--take-back", "--reason", "the wrong one", "--as", "it")[
            "taken_back"
        ]
        chosen = f"slack:{theirs}"
        assert house.json("answer", question["id"], "--account", chosen, *again, "--as", "it")["chosen"] == [chosen]
        assert "already" in house.json("answer", question["id"], "--none", code=2)["error"]
        assert house.json("run", case)["state"] == "closed"
        for name, truth in company.truths.items():
            assert truth.changed() == {truth.account_id("E1002")}, name


class TestDecisions:
    def test_waived_by_two(self, house: House, company: Company) -> None:
        """A finding of one case is accepted by one person and approved by another; then the case closes."""
        case = depart(house, PLAIN, "--for-real")
        (finding,) = house.json("run", case, code=1)["findings"]
        words = ("--reason", "no API", "--until", "2027-03-31", "--compensating", "apps are reviewed")
        waiver = house.json("waive", case, finding["entitlement"], *words, "--as", "taro")["waiver"]
        assert house.json("show", case, code=1)["approvals_waiting"] == [
            {"id": waiver, "verb": "waive", "account_ref": None}
        ]
        house.json("approve", waiver, "--as", "hanako")
        assert house.json("run", case)["state"] == "closed"

    def test_attested(self, house: House, company: Company) -> None:
        """What no API can take away is attested by a named person; then the case closes."""
        case = depart(house, PLAIN, "--for-real")
        (finding,) = house.json("run", case, code=1)["findings"]
        signed = house.json(
            "attest", case, finding["entitlement"], "--statement", "tokens revoked by hand", "--as", "taro"
        )
        assert signed["attestation"]
        assert house.json("run", case)["state"] == "closed"


class TestRestore:
    def test_of_a_wrong_cut(self, house: House, company: Company) -> None:
        """Once a second person has agreed, what was taken is given back, each row with its fate."""
        waive_what_slack_hides(house)
        case = house.json("run", depart(house, PLAIN, "--for-real"))["case"]
        assert "second person" in house.json("restore", case, "--go", code=2)["error"]
        request = house.json("restore", case, "--reason", "the wrong person", "--as", "taro")["request"]
        house.json("approve", request, "--as", "hanako")
        answer = house.json("restore", case, "--go")
        assert answer["state"] == "restored"
        outcomes = {row["id"].split(":")[2]: row["outcome"] for row in answer["rows"]}
        assert outcomes["sign_in"] == "restored"
        assert outcomes["session"] == "re_enrol"
        google = company.tenants["google_workspace"]
        assert not google.users[company.truths["google_workspace"].account_id(PLAIN)].suspended

    def test_return_from_leave(self, house: House, company: Company) -> None:
        """Leave disables and nothing else; the return gives it back."""
        case = depart(house, "E1008", "--for-real", verb="leave")
        shown = house.json("run", case)
        assert {row["kind"] for a in shown["accounts"] for row in a["entitlements"]} == {"sign_in", "session"}
        assert house.json("return", case)["state"] == "restored"


class TestSweep:
    def test_without_prefect(self, house: House, company: Company) -> None:
        """Without Prefect the sweep takes the looks that are due and says which cases nobody carries out."""
        case = depart(house, PLAIN, "--for-real")
        assert house.json("sweep", code=1)["waiting"] == [case]

    def test_nothing_to_do(self, house: House, company: Company) -> None:
        """Nothing due is done."""
        counts = {"released": 0, "made": 0, "blocked_again": 0}
        assert house.json("sweep") == counts | {"looked": [], "not_looked": [], "reopened": [], "waiting": []}


class TestTenants:
    def test_in_a_process_of_their_own(self, house: House) -> None:
        """The tenants open, print the settings that lead to them, and end when terminated."""
        code = "import sys\nfrom cli.app import main\nsys.exit(main(sys.argv[1:]))"
        child = subprocess.Popen(
            [sys.executable, "-c", code, "tenants", "--port", "0", "--directory", "there", "--json"],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        env_file = house.directory / "there" / "tenants.env"
        deadline = time.monotonic() + 60
        while not env_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=30)
        written = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        assert json.loads(out) == written
        assert child.returncode == 0
        assert env_file.stat().st_mode & 0o077 == 0, "it holds secrets"


class TestWatching:
    @pytest.mark.parametrize(
        ("sight", "rests"),
        [
            (("closed", "ended", 9, 9, 0, 0), True),
            (("deprovisioned", "ended", 8, 9, 1, 0), True),
            (("waiting", "paused", 8, 9, 0, 1), True),
            (("contained", "running", 8, 9, 1, 0), False),
            (("waiting", "ended", 0, 9, 0, 0), False),
        ],
    )
    def test_rest(self, sight: tuple[str, str, int, int, int, int], rests: bool) -> None:
        """A case rests when it is closed, or when its run has ended and a person is needed."""
        assert at_rest(LiveState(*sight)) is rests
