"""The demo's scenario: what happens, in its order."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from casework.errors import CaseworkError
from emulators.company import person
from rehearsal import expectations, live_table
from rehearsal.environment import ENV_FILE, LEAVERS, NAMESAKE, Environment, settings, write_notices
from rehearsal.expectations import Expectation
from rehearsal.live_table import Sights, table
from stack.processes import Stack, local_stack

if TYPE_CHECKING:
    from rich.console import Console

_AHEAD = timedelta(seconds=20)
_PATIENCE = 150.0
_UNTIL = "2027-03-31"
_SYNCED = "E1004"
"""Mastered on-premises: the one case that does not close."""

Main: TypeAlias = Callable[[Sequence[str]], int]
"""Runs a command of the CLI with these arguments, and returns its exit code."""


class Scenario:
    """The scenario, which runs once.  It uses the commands of *main* and prints on *console*."""

    def __init__(self, environment: Environment, main: Main, console: Console) -> None:
        self._environment = environment
        self._main = main
        self._console = console
        self._began = time.monotonic()
        self._cases: dict[str, str] = {}

    def play(self, *, keep: bool, kill: bool) -> dict[str, Any]:
        """Run it to the end and return the result; "held" is true only if every expectation held."""
        self._set_up()
        self._head("Prefect's server, a worker, the serving and the watching process start")
        processes = local_stack(self._environment.home / "prefect", env=self._environment.env)
        with processes as stack, settings({k: v for k, v in stack.env.items() if k.startswith("PREFECT_")}):
            self._say(f"Prefect's page: {stack.ui_url}   it asks for the key in {stack.key_file}")
            self._report()
            if kill:
                self._kill_in_the_middle(stack.pid("worker"))
            self._head("the runs work: plan, instant, cut, look until closed")
            self._watch(lambda seen: all(map(live_table.at_rest, seen.values())), _PATIENCE * (2 if kill else 1))
            self._answer_questions()
            self._sign_for_the_rest()
            self._head("the services' logs are read to their end; what runs left over, the watching process reads")
            self._watch(lambda seen: all(sight.logs_read for sight in seen.values()))
            verdict = self._verdict(stack)
            if keep:
                env_file = self._environment.home / ENV_FILE
                self._say(f"Everything runs on: {stack.ui_url}   settings: {env_file}   Ctrl-C ends it.")
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return verdict

    # -- the steps

    def _set_up(self) -> None:
        self._head("A fresh house: database, trail key, policy; three tenants of Hoshizora Trading, about 60 people")
        policy = self._environment.home / "policy.toml"
        self._say(f"policy: {policy} shortens the waits; the instant is the last working one")
        self._verb("migrate")
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

    def _kill_in_the_middle(self, worker: int) -> None:
        self._head("In the middle of the cut the run's process is killed (-9)")
        self._watch(lambda seen: any(sight.settled for sight in seen.values()))
        victims = _children(worker)
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self._say(
            f"killed {len(victims)}; their leases end by themselves within 20 s, and the sweep gives the cases new runs"
        )

    def _watch(self, until: Callable[[Sights], bool], patience: float = _PATIENCE) -> Sights:
        """Show the cases while the processes work on them, until *until* holds or *patience* seconds have passed."""
        seen = asyncio.run(live_table.watch(self._console, self._cases, until, patience))
        if not until(seen):
            self._say(f"not so after {patience:.0f} s")
        return seen

    def _answer_questions(self) -> None:
        """Answer the questions as a person who knows both namesakes and sees both."""
        for case_id, number in self._cases.items():
            for question in self._show(case_id)["questions"]:
                self._head(f"{number}: a person is asked, with every candidate shown")
                self._page(case_id)
                theirs = _addresses(number)
                ids = [o["account"] for o in question["options"] if o["standing"] == "asked" and o["label"] in theirs]
                chosen = [word for account in ids for word in ("--account", account)] or ["--none"]
                revision = ("--revision", str(question["revision"]))
                why = ("--reason", "asked the department", "--as", "it.tanaka")
                self._verb("answer", question["id"], *chosen, *revision, *why)

    def _sign_for_the_rest(self) -> None:
        """Waive, by two people, what a dismissed leaver's block has put out of reach; then let the sweep carry the cases on."""
        for case_id, number in self._cases.items():
            shown = self._show(case_id)
            dismissed = shown["departure"]["kind"] == "dismissal"
            for finding in (f for f in shown["findings"] if dismissed and f["kind"] == "still_open"):
                self._head(f"{number}: what could no longer be taken from a blocked account is accepted by two people")
                self._say(f"{finding['entitlement']}: {finding['text']}")
                self._accept(case_id, finding["entitlement"], "--reason", "inert while the account is blocked")
        self._verb("sweep", expect=(0, 1))
        self._head("the sweep gives them runs; they end")
        ours = {case_id for case_id, number in self._cases.items() if number != _SYNCED}
        self._watch(lambda seen: all(seen[case_id].state == "closed" for case_id in ours))

    def _verdict(self, stack: Stack) -> dict[str, Any]:
        shown = {number: self._show(case_id) for case_id, number in self._cases.items()}
        for case_id in self._cases:
            self._head("")
            self._page(case_id)
        calls = ((name, len(stage.journal)) for name, stage in self._environment.company.stages.items())
        self._console.print(table("Service", "Requests", rows=calls))
        cases = {number: case_id for case_id, number in self._cases.items()}
        expected = [
            *expectations.of_cases(shown),
            *expectations.of_papers(shown),
            *expectations.of_downloads(shown),
            *expectations.of_tenants(self._environment.company),
            *expectations.of_prefect(stack, cases[_SYNCED]),
            *expectations.of_privacy(self._environment.home / "prefect" / "prefect.db"),
            *expectations.of_records(self._export(shown), self._environment.trust),
            *expectations.of_trail(self._verb("trail", "check", expect=(0, 1))),
        ]
        return self._judge(expected)

    def _export(self, shown: Mapping[str, Mapping[str, Any]]) -> list[Path]:
        """Export each case for an auditor as a folder: closed cases, and the case with findings in its present state."""
        self._head("Each case leaves the house as a folder; the keys to check it with lie elsewhere")
        folders = []
        for number, case in shown.items():
            folder = self._environment.records / case["case"]
            unfinished = () if case["state"] == "closed" else ("--as-it-stands",)
            made = self._verb("export", case["case"], str(folder), *unfinished, "--as", "auditor.suzuki")
            self._say(f"{number}: {made['files']} files, record {made['revision']}: {folder / 'record.html'}")
            folders.append(folder)
        return folders

    def _judge(self, expected: Sequence[Expectation]) -> dict[str, Any]:
        self._head(f"What had to hold ({NAMESAKE} has {LEAVERS[1]}'s name)")
        judged = (("ok" if one.held else "FAILED", one.rule, one.seen) for one in expected)
        self._console.print(table("", "Check", "What was seen", rows=judged))
        seconds, held = time.monotonic() - self._began, sum(one.held for one in expected)
        self._say(f"{held} of {len(expected)} held, {seconds:.0f} s")
        rows = [{"rule": one.rule, "held": one.held, "seen": one.seen} for one in expected]
        whole = {"held": held == len(expected), "seconds": round(seconds, 1)}
        return {**whole, "expectations": rows, "cases": list(self._cases)}

    # -- small things

    def _accept(self, *words: str) -> None:
        waiver = self._verb("waive", *words, "--until", _UNTIL, "--as", "it.lead")["waiver"]
        self._verb("approve", waiver, "--as", "ciso")

    def _show(self, case_id: str) -> dict[str, Any]:
        return self._answered("show", case_id, expect=(0, 1))

    def _page(self, case_id: str) -> None:
        """Show the case's page in the terminal."""
        self._say(f"$ lastday show {case_id}")
        with contextlib.redirect_stdout(self._console.file):
            self._main(["show", case_id])

    def _verb(self, *words: str, expect: tuple[int, ...] = (0,)) -> dict[str, Any]:
        self._say("$ lastday " + " ".join(f'"{word}"' if " " in word else word for word in words))
        return self._answered(*words, expect=expect)

    def _answered(self, *words: str, expect: tuple[int, ...]) -> dict[str, Any]:
        """Return the command's JSON.  Raises `CaseworkError` for another exit code than expected."""
        answer = io.StringIO()
        with contextlib.redirect_stdout(answer), contextlib.redirect_stderr(io.StringIO()) as said:
            code = self._main([*words, "--json"])
        if code not in expect:
            what = f"lastday {words[0]}: exit {code}: {answer.getvalue()} {said.getvalue()}"
            raise CaseworkError(what, "Read the logs in the rehearsal's prefect/logs.")
        found: dict[str, Any] = json.loads(answer.getvalue())
        return found

    def _head(self, text: str) -> None:
        self._console.rule(f"{time.monotonic() - self._began:4.0f} s  {text}", align="left", style="cyan")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _addresses(number: str) -> set[str]:
    """Return each address of the person that HR knows, with former addresses and Slack's own."""
    who = person(number)
    boxes = {who.mailbox, who.slack_mailbox or who.mailbox, *who.aliases}
    domain = who.email.partition("@")[2]
    return {f"{box}@{domain}" for box in boxes}


def _children(parent: int) -> list[int]:
    """Return the ids of the processes that *parent* has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            _, its_parent, *_ = stat.read_text().rpartition(")")[2].split()
            if int(its_parent) == parent:
                found.append(int(stat.parent.name))
    return found
