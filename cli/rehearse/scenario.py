"""What happens in the demo, in the order in which it happens to people."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from casework.view.case import CaseView, Question
from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.processes import LocalStack, Stack
from cli.rehearse import expecting, watching
from cli.rehearse.environment import ENV_FILE, LEAVERS, NAMESAKE, Environment, lastday, orchestrated, write_notices
from cli.rehearse.expecting import Expectation
from cli.rehearse.watching import Sight
from cli.tables import document_page, section_page, table
from cli.terminal import err, out, write_json
from emulators.company import person
from portal.document import Clock
from portal.sections.case import question as asked
from portal.sections.front import at_work

if TYPE_CHECKING:
    from rich.console import Console

_AHEAD = timedelta(seconds=20)
_PATIENCE = 150.0
_UNTIL = "2027-03-31"
_SYNCED = "E1004"
"""Mastered on-premises: the one case that does not close."""


class Scenario:
    """Played once.  With *as_json* everything but the verdict goes to standard error."""

    def __init__(self, environment: Environment, *, as_json: bool) -> None:
        self._environment = environment
        self._as_json = as_json
        self._console: Console = err() if as_json else out()
        self._began = time.monotonic()
        self._cases: dict[str, str] = {}

    def play(self, *, keep: bool, kill: bool) -> int:
        """Play it to the end; return 0 if every expectation held, else 1."""
        self._set_up()
        processes = self._environment.processes()
        self._head("Prefect's server, a worker, the serving and the watching process start")
        with processes as stack, orchestrated(stack):
            self._say(f"Prefect's page: {stack.ui_url}   it asks for the key in {stack.key_file}")
            self._report()
            if kill:
                self._kill_in_the_middle(processes)
            self._head("the runs work: plan, instant, cut, look until closed")
            self._watch(lambda seen: all(map(watching.at_rest, seen.values())), _PATIENCE * (2 if kill else 1))
            self._answer_questions()
            self._sign_for_the_rest()
            self._wait_for_logs()
            code = self._verdict(stack)
            if keep:
                self._say(
                    f"Everything runs on: {stack.ui_url}   settings: {self._environment.home / ENV_FILE}   Ctrl-C ends it."
                )
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return code

    # -- the acts

    def _set_up(self) -> None:
        self._head("A fresh house: database, trail key, policy; three tenants of Hoshizora Trading, about 60 people")
        self._say(
            f"policy: {self._environment.home / 'policy.toml'} shortens the waits; the instant is the last working one"
        )
        lastday("migrate")
        self._head("What Slack can never show (other people's tokens) is accepted once, by two people")
        why = ("--reason", "Slack has no API for a member's tokens", "--compensating", "apps are reviewed monthly")
        self._accept("--tenant", "--service", "slack", "--kind", "grant", *why)

    def _report(self) -> None:
        self._head("HR sends a file (CP932, Japanese headers): four people, one of them dismissed at once")
        path = self._environment.home / "departures.csv"
        due = write_notices(path, ahead=_AHEAD)
        self._say(path.read_text(encoding="cp932").rstrip())
        answer = self._verb("depart", "--csv", str(path), "--for-real", "--as", "hr.sato")
        self._cases = {row["case"]: row["employee_no"] for row in answer["cases"]}
        self._say(f"cut at {due:%H:%M:%S} {due:%Z}")

    def _kill_in_the_middle(self, processes: LocalStack) -> None:
        self._head("In the middle of the cut the run's process is killed (-9)")
        self._watch(lambda seen: any(sight.settled for sight in seen.values()))
        victims = _children(processes.pid("worker"))
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self._say(
            f"killed {len(victims)}; their leases end by themselves within 45 s, and the sweep gives the cases new runs"
        )

    def _watch(self, until: Callable[[Mapping[str, Sight]], bool], patience: float = _PATIENCE) -> None:
        """Show the cases while others work on them, until *until* holds or *patience* ends."""
        if not watching.watch(self._console, self._cases, until, patience):
            self._say(f"not so after {patience:.0f} s")

    def _answer_questions(self) -> None:
        """The person who knows both namesakes answers, with both shown."""
        for case_id, number in self._cases.items():
            shown = self._show(case_id)
            clock = Clock(shown["departure"]["timezone"])
            for question in shown["questions"]:
                self._head(f"{number}: a person is asked, with every candidate shown")
                for part in section_page(asked(Question.model_validate(question), clock)):
                    self._console.print(part, markup=False, highlight=False)
                theirs = _addresses(number)
                ids = [o["account"] for o in question["options"] if o["standing"] == "asked" and o["label"] in theirs]
                chosen = [word for account in ids for word in ("--account", account)] or ["--none"]
                self._verb(
                    "answer",
                    question["id"],
                    *chosen,
                    "--revision",
                    str(question["revision"]),
                    "--reason",
                    "asked the department",
                    "--as",
                    "it.tanaka",
                )

    def _sign_for_the_rest(self) -> None:
        """What died with a dismissal's block is accepted by two people; then what can go on goes on."""
        for case_id, number in self._cases.items():
            shown = self._show(case_id)
            dismissed = shown["departure"]["kind"] == "dismissal"
            for finding in (f for f in shown["findings"] if dismissed and f["kind"] == "still_open"):
                self._head(f"{number}: what could no longer be taken from a blocked account is accepted by two people")
                self._say(f"{finding['entitlement']}: {finding['text']}")
                self._accept(case_id, finding["entitlement"], "--reason", "inert while the account is blocked")
        self._verb("sweep", expect=(DONE, REMAINS))
        self._head("the sweep gives them runs; they end")
        ours = {case_id for case_id, number in self._cases.items() if number != _SYNCED}
        self._watch(lambda seen: all(seen[case_id].state == "closed" for case_id in ours))

    def _wait_for_logs(self) -> None:
        """What the runs' time did not suffice for, the sweep's process reads on, and summarises."""
        self._head("the services' logs are read to their end")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            taken = [self._show(case_id)["downloads"] for case_id in self._cases]
            if all(
                one["verdict"] is not None and not any(row["reason"] == "under_way" for row in one["sources"])
                for one in taken
            ):
                return
            time.sleep(2)
        self._say(f"not read to their end after {_PATIENCE:.0f} s")

    def _verdict(self, stack: Stack) -> int:
        shown = {number: self._show(case_id) for case_id, number in self._cases.items()}
        for case in shown.values():
            self._head("")
            for part in document_page(at_work(CaseView.model_validate(case))):
                self._console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))
        self._count_calls()
        expected = [
            *expecting.of_cases(shown),
            *expecting.of_papers(shown),
            *expecting.of_downloads(shown),
            *expecting.of_tenants(self._environment.company),
            *expecting.of_prefect(stack, self._run_of(_SYNCED)),
            *expecting.of_privacy(self._environment.home / "prefect" / "prefect.db"),
            *expecting.of_records(self._export(shown), self._environment.trust),
            *expecting.of_trail(self._verb("trail", "check", expect=(DONE, REMAINS))),
        ]
        return self._judge(expected)

    def _export(self, shown: Mapping[str, Mapping[str, Any]]) -> list[Path]:
        """An auditor gets each case as a folder: the finished ones, and the one with findings as it stands."""
        self._head("Each case leaves the house as a folder; the keys to check it with lie elsewhere")
        folders = []
        for number, case in shown.items():
            folder = self._environment.records / case["case"]
            unfinished = () if case["state"] == "closed" else ("--as-it-stands",)
            made = self._verb("export", case["case"], str(folder), *unfinished, "--as", "auditor.suzuki")
            self._say(f"{number}: {made['files']} files, record {made['revision']}: {folder / 'record.html'}")
            folders.append(folder)
        return folders

    def _judge(self, expected: list[Expectation]) -> int:
        self._head(f"What had to hold ({NAMESAKE} bears {LEAVERS[1]}'s name)")
        judged = (("ok" if one.held else "failed", one.rule, one.seen) for one in expected)
        self._console.print(table("", "Check", "What", rows=judged))
        seconds = time.monotonic() - self._began
        held = all(one.held for one in expected)
        self._say(f"{sum(one.held for one in expected)} of {len(expected)} held, {seconds:.0f} s")
        if self._as_json:
            rows = [{"rule": one.rule, "held": one.held, "seen": one.seen} for one in expected]
            write_json({"held": held, "seconds": round(seconds, 1), "expectations": rows, "cases": list(self._cases)})
        return DONE if held else REMAINS

    # -- small things

    def _accept(self, *words: str) -> None:
        waiver = self._verb("waive", *words, "--until", _UNTIL, "--as", "it.lead")["waiver"]
        self._verb("approve", waiver, "--as", "ciso")

    def _count_calls(self) -> None:
        calls = ((name, len(stage.journal)) for name, stage in self._environment.company.stages.items())
        self._console.print(table("Service", "Requests", rows=calls))

    def _run_of(self, number: str) -> str | None:
        case_id = next(case_id for case_id, employee_no in self._cases.items() if employee_no == number)
        return in_context(lambda context: context.case(case_id).run_id)

    def _show(self, case_id: str) -> dict[str, Any]:
        return lastday("show", case_id, expect=(DONE, REMAINS))

    def _verb(self, *words: str, expect: tuple[int, ...] = (0,)) -> dict[str, Any]:
        self._say("$ lastday " + " ".join(f'"{word}"' if " " in word else word for word in words))
        return lastday(*words, expect=expect)

    def _head(self, text: str) -> None:
        self._console.rule(f"{time.monotonic() - self._began:4.0f} s  {text}", align="left", style="cyan")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _addresses(number: str) -> set[str]:
    """Return what HR knows on asking: each address of the person, former ones and Slack's own included."""
    who = person(number)
    boxes = {who.mailbox, who.slack_mailbox or who.mailbox, *who.aliases}
    domain = who.email.partition("@")[2]
    return {f"{box}@{domain}" for box in boxes}


def _children(parent: int) -> list[int]:
    """Return the processes that *parent* has started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            stat: Mapping[int, str] = dict(enumerate((entry / "stat").read_text().rpartition(")")[2].split()))
            if int(stat[1]) == parent:
                found.append(int(entry.name))
    return found
