"""The story of the demo, in the order in which it happens to people."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.processes import LocalStack, Stack
from cli.rehearse import expecting, watching
from cli.rehearse.expecting import Expectation
from cli.rehearse.theatre import LEAVERS, NAMESAKE, Theatre, lastday, orchestrated, write_notices
from cli.tables import case_page, cells, table
from cli.terminal import err, out, write_json
from emulators.company import person

if TYPE_CHECKING:
    from rich.console import Console

_AHEAD = timedelta(seconds=20)
_PATIENCE = 150.0
_UNTIL = "2027-03-31"


class Story:
    """One telling.  With *as_json* everything but the verdict goes to standard error."""

    def __init__(self, theatre: Theatre, *, as_json: bool, actor: str) -> None:
        self._theatre = theatre
        self._as_json = as_json
        self._actor = actor
        self._console: Console = err() if as_json else out()
        self._began = time.monotonic()
        self._cases: dict[str, str] = {}

    def tell(self, *, keep: bool, kill: bool) -> int:
        """Tell it to the end; return 0 if every expectation held, else 1."""
        self._set_up()
        processes = self._theatre.processes()
        self._head("Prefect's server, a worker, the serving and the watching process start")
        with processes as stack, orchestrated(stack):
            self._say(f"Prefect's page: {stack.ui_url}   it asks for the key in {stack.key_file}")
            self._report()
            if kill:
                self._kill_in_the_middle(processes)
            self._wait_for_rest(
                "the runs work: plan, instant, cut, look until closed", patience=_PATIENCE * (2 if kill else 1)
            )
            self._answer_questions()
            self._sign_for_the_rest()
            self._wait_for_logs()
            code = self._verdict(stack)
            if keep:
                self._say(
                    f"Everything runs on: {stack.ui_url}   settings: {self._theatre.home / 'demo.env'}   Ctrl-C ends it."
                )
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
        return code

    # -- the acts

    def _set_up(self) -> None:
        self._head("A fresh house: database, trail key, policy; three tenants of Hoshizora Trading, about 60 people")
        self._say(
            f"policy: {self._theatre.home / 'policy.toml'} shortens the waits; the instant is the last working one"
        )
        lastday("migrate")
        self._head("What Slack can never show (other people's tokens) is accepted once, by two people")
        why = ("--reason", "Slack has no API for a member's tokens", "--compensating", "apps are reviewed monthly")
        place = ("--tenant", "--service", "slack", "--kind", "grant", "--until", _UNTIL)
        waiver = self._verb("waive", *place, *why, "--as", "it.lead")["waiver"]
        self._verb("approve", waiver, "--as", "ciso")

    def _report(self) -> None:
        self._head("HR sends a file (CP932, Japanese headers): four people, one of them dismissed at once")
        path = self._theatre.home / "departures.csv"
        due = write_notices(path, ahead=_AHEAD)
        self._say(path.read_text(encoding="cp932").rstrip())
        answer = self._verb("depart", "--csv", str(path), "--for-real", "--as", "hr.sato")
        self._cases = {row["case"]: row["employee_no"] for row in answer["cases"]}
        self._say(f"cut at {due:%H:%M:%S} {due:%Z}")

    def _kill_in_the_middle(self, processes: LocalStack) -> None:
        self._head("In the middle of the cut the run's process is killed (-9)")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if any(
                settled
                for _, _, settled, *_ in in_context(lambda context: watching.look(context, self._cases)).values()
            ):
                break
            time.sleep(0.2)
        victims = _children(processes.pid("worker"))
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        self._say(
            f"killed {len(victims)}; their leases end by themselves within 45 s, and the sweep gives the cases new runs"
        )

    def _wait_for_rest(self, why: str, *, patience: float = _PATIENCE) -> None:
        self._head(why)
        calm = watching.watch(
            self._console, self._cases, lambda seen: all(watching.at_rest(sight) for sight in seen.values()), patience
        )
        if not calm:
            self._say(f"not at rest after {patience:.0f} s")

    def _answer_questions(self) -> None:
        """The person who knows both namesakes answers, with both shown."""
        for case_id, number in self._cases.items():
            shown = self._show(case_id)
            for question in shown["questions"]:
                self._head(f"{number}: a person is asked, with every candidate shown")
                unseen: dict[str, Any] = {"papers": [], "not_accepted": []}
                for part in case_page(shown | {"findings": [], "nda": unseen})[2:-2]:
                    self._console.print(part, markup=False, highlight=False)
                theirs = _addresses(number)
                ids = [o["account"] for o in question["options"] if o["standing"] == "asked" and o["label"] in theirs]
                chosen = [word for account in ids for word in ("--account", account)] or ["--none"]
                self._verb("answer", question["id"], *chosen, "--reason", "asked the department", "--as", "it.tanaka")

    def _sign_for_the_rest(self) -> None:
        """What died with a dismissal's block is accepted by two people; then what can go on goes on."""
        for case_id, number in self._cases.items():
            shown = self._show(case_id)
            dead = [
                f for f in shown["findings"] if f["kind"] == "still_open" and shown["departure"]["kind"] == "dismissal"
            ]
            for finding in dead:
                self._head(f"{number}: what could no longer be taken from a blocked account is accepted by two people")
                self._say(f"{finding['entitlement']}: {finding['text']}")
                why = ("--reason", "inert while the account is blocked", "--until", _UNTIL, "--as", "it.lead")
                waiver = self._verb("waive", case_id, finding["entitlement"], *why)["waiver"]
                self._verb("approve", waiver, "--as", "ciso")
        self._verb("sweep", expect=(DONE, REMAINS))
        self._wait_for_rest_of({"E1001", "E1002", "E1010"})

    def _wait_for_rest_of(self, numbers: set[str]) -> None:
        self._head("the sweep gives them runs; they end")
        ours = {case_id for case_id, number in self._cases.items() if number in numbers}
        watching.watch(
            self._console, self._cases, lambda seen: all(seen[case_id][0] == "closed" for case_id in ours), _PATIENCE
        )

    def _wait_for_logs(self) -> None:
        """What the runs' time did not suffice for, the sweep's process reads on, and weighs."""
        self._head("the services' logs are read to their end")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            taken = [self._show(case_id)["downloads"] for case_id in self._cases]
            if all(
                "verdict" in one and not any(row["reason"] == "under_way" for row in one["sources"]) for one in taken
            ):
                return
            time.sleep(2)
        self._say(f"not read to their end after {_PATIENCE:.0f} s")

    def _verdict(self, stack: Stack) -> int:
        shown = {number: self._show(case_id) for case_id, number in self._cases.items()}
        for case in shown.values():
            self._head("")
            for part in case_page(case):
                self._console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))
        self._count_calls()
        expected = [
            *expecting.of_cases(shown),
            *expecting.of_papers(shown),
            *expecting.of_downloads(shown),
            *expecting.of_tenants(self._theatre.company),
            *expecting.of_prefect(stack, self._run_of("E1004")),
            *expecting.of_privacy(self._theatre.home / "prefect" / "prefect.db"),
            *expecting.of_records(self._export(shown), self._theatre.trust),
            *expecting.of_trail(self._verb("trail", "check", expect=(DONE, REMAINS))),
        ]
        return self._judge(expected)

    def _export(self, shown: Mapping[str, Mapping[str, Any]]) -> list[Path]:
        """An auditor gets each case as a folder: the finished ones, and the one with findings as it stands."""
        self._head("Each case leaves the house as a folder; the keys to check it with lie elsewhere")
        folders = []
        for number, case in shown.items():
            folder = self._theatre.records / case["case"]
            unfinished = () if case["state"] == "closed" else ("--as-it-stands",)
            made = self._verb("export", case["case"], str(folder), *unfinished, "--as", "auditor.suzuki")
            self._say(f"{number}: {made['files']} files, record {made['revision']}: {folder / 'record.html'}")
            folders.append(folder)
        return folders

    def _judge(self, expected: list[Expectation]) -> int:
        self._head(f"What had to hold ({NAMESAKE} bears {LEAVERS[1]}'s name)")
        made = table("", "check", "what")
        for one in expected:
            made.add_row(*cells("ok" if one.held else "failed", one.rule, one.seen))
        self._console.print(made)
        seconds = time.monotonic() - self._began
        held = all(one.held for one in expected)
        self._say(f"{sum(one.held for one in expected)} of {len(expected)} held, {seconds:.0f} s")
        if self._as_json:
            rows = [{"rule": one.rule, "held": one.held, "seen": one.seen} for one in expected]
            write_json({"held": held, "seconds": round(seconds, 1), "expectations": rows, "cases": list(self._cases)})
        return DONE if held else REMAINS

    # -- small things

    def _count_calls(self) -> None:
        made = table("service", "requests")
        for name, stage in self._theatre.company.stages.items():
            made.add_row(*cells(name, len(stage.journal)))
        self._console.print(made)

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
