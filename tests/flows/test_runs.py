"""
Cases in runs of a real Prefect: the emulated tenants, casework, and the processes of `lastday up`.

One installation for all of them, since it costs its start.  What must fail is made to fail by the database: it refuses a row, with
an error full of names, as a driver's may be.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from emulators.company import person
from emulators.fault_proxy import Fault
from emulators.tenants import Company, tenants
from models.vocabulary import SETTLED, Service
from tests.flows.installation import Installation, installation
from tests.flows.personal import ADDRESS, KANJI, ROMAJI, forms
from tests.terminal_house import migrated

__all__ = ["migrated"]
pytestmark = [pytest.mark.xdist_group("runs"), pytest.mark.timeout(400)]

PLAIN, BREAKS, ASKS, FINDS, LINGERS, LATER = "E1100", "E1001", "E1002", "E1004", "E1108", "E1109"
MANY = ("E1105", "E1110", "E1003")
"""Of one instant, and so of one run: one that closes, one that breaks, one that asks."""
WITHOUT_ADDRESS = frozenset({ASKS, MANY[2]})
"""A name alone is all that speaks for their account in Slack, which knows no employee numbers: a person is asked."""
GOOGLE, SLACK = Service.GOOGLE_WORKSPACE, Service.SLACK
POLICY = """\
[cut]
at = "last_working"
[observe]
deadline_seconds = 6
first_wait_seconds = 0.3
longest_wait_seconds = 1
[sweep]
lead_seconds = 1500
ahead_seconds = 7200
again_seconds = [900]
[activity]
before_seconds = 1
after_seconds = 5
"""
"""
A run begins as soon as its case is reported, or as one of the worker's four places is free, and waits: the tests let its instant come.
LATER's is made, and begins in half an hour.
"""
AHEAD, LATER_AHEAD = timedelta(minutes=20), timedelta(minutes=60)
NO_INTENTS = f"""
CREATE TRIGGER refuse_intents BEFORE UPDATE ON entitlement
WHEN NEW.op IS NOT NULL AND NEW.connection = 'slack' AND NEW.case_id = '%s'
BEGIN SELECT RAISE(ABORT, 'no account of {KANJI}, {ROMAJI} <{ADDRESS}>'); END
"""
NOT_MOVED_AT_FIRST = f"""
CREATE TRIGGER refuse_move BEFORE UPDATE ON offboarding_case
WHEN NEW.state = 'deprovisioned' AND NEW.id = '%s' AND NEW.run_attempt = 1
BEGIN SELECT RAISE(ABORT, 'no place for {KANJI}, {ROMAJI} <{ADDRESS}>'); END
"""
"""What the database refuses of one case: each intent in Slack; its last step, to its first run."""
WRITES = frozenset({"DELETE", "PATCH", "PUT"})
SCHEDULE = """
import asyncio
from casework.bootstrap import open_context
from flows.scheduling import schedule
async def once():
    async with open_context(connected=False) as context:
        await schedule(context)
asyncio.run(once())
"""


class Runs:
    """The cases by the leavers' numbers, their runs, and what became of them."""

    def __init__(self, installed: Installation, company: Company) -> None:
        self.installed, self.company, self.api = installed, company, installed.api
        hidden = ("--tenant", "--service", "slack", "--kind", "grant", "--until", "2027-03-31", "--reason", "no API")
        notices = [
            self._notice(AHEAD, *people) for people in ((PLAIN,), (BREAKS,), (ASKS,), MANY, (FINDS,), (LINGERS,))
        ]
        later = self._notice(LATER_AHEAD, LATER)
        (waived,) = installed.lastday(("waive", *hidden, "--as", "taro"))
        _, *answers = installed.lastday(("approve", waived["waiver"], "--as", "hanako"), *notices, later)
        self.cases: dict[str, str] = {row["employee_no"]: row["case"] for one in answers for row in one["cases"]}
        self.runs: dict[str, str] = {}
        self.due: dict[str, float] = {}

    def _notice(self, ahead: timedelta, *numbers: str) -> tuple[str, ...]:
        """Return the verb by which HR reports these people, who stop to work at one instant."""
        at = datetime.now(ZoneInfo("Asia/Tokyo")) + ahead
        rows = ["社員番号,氏名,メールアドレス,最終出社日,退職日,区分"]
        for who in map(person, numbers):
            email = "" if who.employee_no in WITHOUT_ADDRESS else who.email
            rows.append(f"{who.employee_no},{who.name},{email},{at:%Y-%m-%d %H:%M:%S},{at.date()},自己都合")
        path = self.installed.folder / f"{numbers[0]}.csv"
        path.write_text("\n".join(rows), encoding="utf-8")
        return ("depart", "--csv", str(path), "--for-real", "--as", "hr.sato")

    def ask(self, query: str, *given: str) -> list[tuple[Any, ...]]:
        """Ask our database."""
        with contextlib.closing(sqlite3.connect(self.installed.folder / "lastday.db")) as database, database:
            return database.execute(query, given).fetchall()

    def let_come(self, *numbers: str) -> None:
        """Let the instant of these leavers come, once a run holds each of their cases: on no machine does one come too late."""
        for number in numbers:
            deadline = time.monotonic() + 120
            holder = "SELECT lease_holder FROM offboarding_case WHERE id = ?"
            while (holds := self.ask(holder, self.cases[number])[0][0]) is None:
                assert time.monotonic() < deadline, self.installed.logs()
                time.sleep(0.2)
            self.runs[number] = holds
        for number in numbers:
            due = datetime.now(UTC)
            self.ask(
                "UPDATE offboarding_case SET due_at = ? WHERE id = ?", f"{due:%Y-%m-%d %H:%M:%S.%f}", self.cases[number]
            )
            self.due[number] = due.timestamp()

    def over(self, number: str) -> dict[str, Any]:
        """Wait until the run that had the case at its instant is over or paused, and return it."""
        return self.installed.run_over(self.runs[number])

    def state(self, number: str) -> str:
        return str(self.ask("SELECT state FROM offboarding_case WHERE id = ?", self.cases[number])[0][0])

    def open_in(self, number: str) -> set[str]:
        """Return the services in which the leaver still has something, as our truth table has it."""
        rows = self.ask("SELECT connection, state FROM entitlement WHERE case_id = ?", self.cases[number])
        assert {service for service, _ in rows} == {*Service}
        return {service for service, state in rows if state not in SETTLED}

    def changed(self, number: str) -> set[str]:
        """Return the services in which the leaver's account was changed, by each tenant's own truth."""
        return {name for name, truth in self.company.truths.items() if truth.of(number)["changed"]}

    def writes(self, number: str) -> list[float]:
        """Return when something was asked of the leaver's accounts, but to read them."""
        asked = ((name, request) for name, stage in self.company.stages.items() for request in list(stage.journal))
        return [
            request.at
            for name, request in asked
            if request.method in WRITES and self.company.truths[name].account_id(number) in request.line
        ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("installation")
    options = {"employee_numbers": False}
    with (
        tenants(folder / "tenants", spare_owners=True, slack_options=options) as company,
        installation(migrated, folder, policy=POLICY, env=company.env) as installed,
    ):
        made = Runs(installed, company)
        made.ask(NO_INTENTS % made.cases[BREAKS])
        made.ask(NOT_MOVED_AT_FIRST % made.cases[MANY[1]])
        made.let_come(PLAIN, BREAKS, ASKS, *MANY)
        yield made


class TestRuns:
    def test_breaks(self, runs: Runs) -> None:
        """One service that fails in a way that nobody foresaw stops no other, and the run is not green."""
        run = runs.over(BREAKS)
        assert run["state_type"] == "FAILED"
        assert "StepFailed: IntegrityError at " in run["state"]["message"]
        assert runs.changed(BREAKS) == {*Service} - {SLACK}
        assert runs.open_in(BREAKS) == {SLACK}

    def test_findings(self, runs: Runs) -> None:
        """What cannot be taken away stops nothing else, and the run is not green: it tells kinds and counts."""
        runs.let_come(FINDS)
        run = runs.over(FINDS)
        assert run["state_type"] == "FAILED"
        assert re.search(r"FindingsOpen: mastered_elsewhere \d+(, [a-z_]+ \d+)*$", run["state"]["message"])
        assert runs.changed(FINDS) == {*Service}
        assert {SLACK, Service.MICROSOFT365} & runs.open_in(FINDS) == {Service.MICROSOFT365}

    def test_tasks(self, runs: Runs) -> None:
        """The page shows each step, those of the services one by one, and which of them failed."""
        cuts = {f"cut-{service}" for service in Service}
        whole = (
            cuts
            | {f"collect-{service}" for service in Service}
            | {"plan", "wait", "observe", "summarise", "check-papers"}
        )
        assert set(self._tasks(runs, PLAIN, whole).values()) == {"COMPLETED"}
        tasks = self._tasks(runs, BREAKS, cuts | {"plan", "wait", "observe"})
        assert {name for name, state in tasks.items() if state == "FAILED"} == {"cut-slack", "observe"}

    @staticmethod
    def _tasks(runs: Runs, number: str, expected: set[str]) -> dict[str, str]:
        """Return the states of the run's tasks by name: Prefect records them a moment later, under a name that it gives up."""
        wanted = {"flow_runs": {"id": {"any_": [runs.over(number)["id"]]}}}
        deadline, tasks = time.monotonic() + 20, dict[str, str]()
        while set(tasks) != expected and time.monotonic() < deadline:
            time.sleep(0.3)
            tasks = {t["name"]: t["state_type"] for t in runs.api.post("/task_runs/filter", json=wanted).json()}
        assert set(tasks) == expected
        return tasks

    def test_many(self, runs: Runs) -> None:
        """In a run over many, each case is for itself: the good one closes although another breaks."""
        run = runs.over(MANY[0])
        assert run["state_type"] == "FAILED"
        assert "Completed 1, Failed 1, Suspended 1" in run["state"]["message"]
        assert runs.state(MANY[0]) == "closed"
        assert runs.changed(MANY[1]) == {*Service}
        assert {runs.runs[number] for number in MANY} == {run["id"]}

    def test_many_as_one(self, runs: Runs) -> None:
        """A case takes the same steps in a run over many as in a run of its own: the same is sealed, and the same is true of it."""
        runs.over(PLAIN), runs.over(MANY[0])
        sealed = "SELECT json_extract(leaf, '$.type') FROM audit_entry WHERE case_ref = ?"
        truth = "SELECT connection, kind, state, confirmed_by FROM entitlement WHERE case_id = ?"
        for query in (sealed, truth):
            one, many = (set(runs.ask(query, runs.cases[number])) for number in (PLAIN, MANY[0]))
            assert one == many

    def test_closed(self, runs: Runs) -> None:
        """A case that closes has a green run in the queue of cuts, and nothing was done before its instant."""
        run = runs.over(PLAIN)
        case_id = runs.cases[PLAIN]
        assert (run["state_type"], runs.state(PLAIN)) == ("COMPLETED", "closed")
        assert (run["name"], run["parameters"]) == (f"offboard-{case_id}", {"case_id": case_id})
        assert run["work_queue_name"] == "cuts"
        assert min(runs.writes(PLAIN)) >= runs.due[PLAIN]
        assert runs.changed(PLAIN) == {*Service}

    def test_artifact(self, runs: Runs) -> None:
        """The truth table is on the page, under the case's opaque id."""
        runs.over(PLAIN)
        case_id = runs.cases[PLAIN]
        page = runs.api.get(f"/artifacts/truth-{case_id}/latest").raise_for_status().json()["data"]
        ((rows,),) = runs.ask("SELECT count(*) FROM entitlement WHERE case_id = ?", case_id)
        assert f"{rows} of {rows} settled" in page
        assert "| slack | sign_in | observed_closed | read | 1 |" in page

    def test_question(self, runs: Runs) -> None:
        """
        A run that asks is suspended without a process.  After the answer the case goes on at once, is cut once, and the run that
        asked ends green, whether it carries the case or the serving process was faster.  No other run of a worker's is made.
        """
        asked = runs.over(ASKS)
        assert (asked["state_type"], asked["state_name"]) == ("PAUSED", "Suspended")
        assert asked["state"]["message"] == "open questions: 1"
        ((question, revision),) = runs.ask("SELECT id, revision FROM question WHERE case_id = ?", runs.cases[ASKS])
        theirs = runs.company.truths[SLACK].account_id(ASKS)
        answer = ("answer", question, "--account", f"slack:{theirs}", "--revision", str(revision), "--as", "it")
        runs.installed.lastday((*answer, "--reason", "asked the department"))
        runs.installed.python(SCHEDULE)
        deadline = time.monotonic() + 120
        while (run := runs.over(ASKS))["state_type"] == "PAUSED" and time.monotonic() < deadline:
            time.sleep(0.3)
        assert (run["state_type"], runs.state(ASKS)) == ("COMPLETED", "closed")
        assert self._runs_of(runs, ASKS) == [asked["id"]]
        lines = [request.line for request in runs.company.stages[SLACK].journal]
        assert lines.count(f"DELETE /scim/v2/Users/{theirs}") == 1

    def test_cancelled(self, runs: Runs) -> None:
        """Whoever cancels a run in its page stops nothing, and reads so there once it has ended."""
        account = runs.company.truths[GOOGLE].account_id(LINGERS)
        runs.company.stages[GOOGLE].faults.append(Fault(f"(PUT|PATCH) .*/users/{account}", delay=8))
        runs.let_come(LINGERS)
        deadline = time.monotonic() + 120
        while not runs.writes(LINGERS):
            assert time.monotonic() < deadline, runs.installed.logs()
            time.sleep(0.2)
        cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}, "force": False}
        runs.installed.insist("POST", f"/flow_runs/{runs.runs[LINGERS]}/set_state", json=cancelling)
        run = runs.over(LINGERS)
        assert (run["state_type"], run["state_name"]) == ("CANCELLED", "Cancelled, which stops nothing")
        assert (runs.state(LINGERS), runs.changed(LINGERS)) == ("closed", {*Service})

    def test_scheduling_twice(self, runs: Runs) -> None:
        """A sweep that forgot what it ordered orders nothing twice: the same key is the same run."""
        case_id = runs.cases[LATER]
        runs.ask("UPDATE offboarding_case SET run_id = NULL, run_state = 'none', run_attempt = 0 WHERE id = ?", case_id)
        runs.installed.python(SCHEDULE)
        ((run_id, attempt),) = runs.ask("SELECT run_id, run_attempt FROM offboarding_case WHERE id = ?", case_id)
        assert (self._runs_of(runs, LATER), attempt) == ([run_id], 1)

    @staticmethod
    def _runs_of(runs: Runs, number: str) -> list[str]:
        """Return the runs that were made for a worker: what the serving process carries has a run without a deployment."""
        tagged = {"flow_runs": {"tags": {"all_": [f"case:{runs.cases[number]}"]}}}
        found = runs.api.post("/flow_runs/filter", json=tagged).raise_for_status().json()
        return [run["id"] for run in found if run["deployment_id"] is not None]


class TestPrivacy:
    def test_parameters(self, runs: Runs) -> None:
        """A person's name in place of a case's id is refused before it is stored."""
        path = f"/deployments/{runs.installed.deployment()}/create_flow_run"
        assert runs.api.post(path, json={"parameters": {"case_id": KANJI}}).status_code == 409

    def test_nothing_personal(self, runs: Runs) -> None:
        """After errors full of names and addresses, none is in Prefect's database, its stored results, or a log."""
        for number in (PLAIN, BREAKS, ASKS, MANY[0]):
            runs.over(number)
        time.sleep(3)  # logs and events reach the database a moment after the run
        files = {path: path.read_bytes() for path in runs.installed.home.rglob("*") if path.is_file()}
        of_prefect = b"".join(content for path, content in files.items() if path.name.startswith("prefect.db"))
        assert runs.cases[BREAKS].encode() in of_prefect
        assert b"IntegrityError at " in of_prefect
        people = [person(number) for number in runs.cases]
        for text in {KANJI, ROMAJI, ADDRESS, *(word for who in people for word in (who.name, who.romaji, who.email))}:
            assert [path.name for path, content in files.items() if any(form in content for form in forms(text))] == []
