"""What people see of it: never a bare nothing, titles only for those who may, and each look in the trail."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import orjson
import pytest

from audit.trail import Trail, TrailError
from casework import runbook
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.activity.passes import SUMMARIES
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.trail.comparing import told_of
from casework.view.prefect_view import opaque_questions
from casework.view.reading.case import case_view, look
from cli.app import main
from connectors.activity import ActivityPage
from connectors.errors import NotRecorded
from models.actor import Actor, at_terminal
from models.tables import Case
from models.vocabulary import ActivityKind
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger, event
from tests.casework.shown import show
from tests.terminal_house import settle

DAY = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


@pytest.fixture
async def collected(logged: Office) -> Case:
    assert isinstance(logged.paper, Ledger)
    downloads = [
        event(n, DAY - timedelta(hours=n), object_id=f"o{n}", folder="経営企画/買収", title="極秘.pdf")
        for n in range(200)
    ]
    there = event(
        901, DAY - timedelta(days=90), ActivityKind.SIGN_IN
    )  # somebody who was there before, and seldom leaves a trace
    logged.paper.happened(
        "g1", [there, *downloads, event(900, DAY, ActivityKind.FORWARD, target="me@elsewhere.example")]
    )
    case = logged.report()
    await runbook.make_plan(logged.context, case.id)
    await collect(logged.context, case.id, seconds=60)
    await collecting.conclude(logged.context, case.id)
    return case


class TestShow:
    async def test_shape(self, logged: Office, collected: Case) -> None:
        """State, statements, counts, reasons, days, folders, hours, ways out and silence."""
        shown = show(logged.context, collected.id)["downloads"]
        assert shown["state"] == "collected"
        [source] = shown["sources"]
        assert (source["verdict"], source["records"], len(source["sha256"])) == ("complete", 202, 64)
        assert shown["counts"] == {"download": 200, "forward": 1}
        assert sum(shown["hours"]) == 200
        assert shown["silence"][0]["state"] == "not_cut"

    async def test_hides_what_is_confidential(self, logged: Office, collected: Case) -> None:
        """Folders and targets are hidden from those who may only know how much it was."""
        shown = show(logged.context, collected.id)["downloads"]
        assert shown["confidential"] == "hidden"
        assert "買収" not in str(shown)
        assert "elsewhere" not in str(shown)
        assert [row["count"] for row in shown["folders"]] == [200]

    async def test_nobody_is_clean_by_silence(self, logged: Office) -> None:
        """That no marked files were taken is said by a summary that was read; else why that is not known."""
        assert isinstance(logged.paper, Ledger)
        logged.paper.happened("g1", [event(n, DAY - timedelta(hours=n)) for n in range(5)])
        case = logged.report()

        def said() -> str:
            tests = show(logged.context, case.id)["nda"]["trade_secret"]
            return str(next(one["shows"][-1] for one in tests if one["test"] == "secrecy_management"))

        assert said() == "not known: no downloads were collected"
        await runbook.make_plan(logged.context, case.id)
        await collect(logged.context, case.id, seconds=60)
        assert said() == "not known: the downloads on record have not been summarised yet"
        await collecting.conclude(logged.context, case.id)
        assert said().startswith("no unusual number of marked files among the downloads that could be read; others")
        evidence = logged.context.evidence
        assert evidence is not None
        (summary,) = evidence.list(case.id, SUMMARIES)
        content = evidence.path_of(summary).read_bytes()
        evidence.path_of(summary).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert said() == "not known: the summary of downloads cannot be read"

    async def test_look_is_recorded(self, logged: Office, collected: Case) -> None:
        """Who looks at everything is in the trail: that somebody did, for ever; who it was, until it is erased."""
        shown = look(logged.context, collected.id, by="legal.tanaka").downloads
        assert [(one.folder, one.count) for one in shown.folders] == [("経営企画/買収", 200)]
        assert shown.exits[0].text == "me@elsewhere.example"
        with logged.context.store.read() as session:
            entries = list(logged.context.store.trail.entries(session.connection(), collected.id))
        leaf = orjson.loads(entries[-1].leaf)
        assert (leaf["type"], leaf["scope"]) == ("case.evidence_looked", "downloads")
        assert b"tanaka" not in entries[-1].leaf

    @pytest.mark.parametrize(
        "who", [at_terminal("legal.tanaka"), Actor("https://login.example.test", "tanaka", "oidc", role="legal")]
    )
    async def test_look_is_somebody_s(self, logged: Office, collected: Case, who: Actor) -> None:
        """Each look is an event of its own, with who looked and how that was made sure: of a mere name, that nobody did."""
        for _ in range(2):
            look(logged.context, collected.id, by=who)
        look(logged.context, collected.id, by="a.name")
        with logged.context.store.read() as session:
            events = told_of(session.connection(), collected.id)
        looks = [payload["by"] for said, payload in events if said["type"] == "case.evidence_looked" and payload]
        assert looks[:2] == [who.payload, who.payload]
        assert (looks[2]["subject"], looks[2]["authenticated_by"]) == ("a.name", "unauthenticated")

    async def test_no_look_unsealed(self, logged: Office, collected: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the look cannot be sealed, nothing confidential is read."""
        opened: list[str] = []
        monkeypatch.setattr(EvidenceStore, "open", lambda _, case_id, name: opened.append(f"{case_id}/{name}"))
        monkeypatch.setattr(Trail, "append_many", Mock(side_effect=TrailError("trail: cannot append")))
        with pytest.raises(TrailError):
            look(logged.context, collected.id, by="legal.tanaka")
        assert opened == []

    def test_no_other_way(
        self, logged: Office, collected: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No verb that reads shows a folder or a target, on the terminal or in a file, but the one that records the look first."""
        settle(monkeypatch, tmp_path)
        for name, value in (("DATABASE_URL", f"sqlite:///{tmp_path}/case.db"), ("AUDIT_ORIGIN", "test.example/audit/2026"),
                            ("EVIDENCE_KEY_FILE", f"{tmp_path}/evidence.key")):  # fmt: skip
            monkeypatch.setenv(f"LASTDAY_{name}", value)
        period = ("--from", "2026-11-01", "--to", "2026-11-30")
        for words in (("show",), ("show", collected.id, "--picture", "a.svg"), ("nda", "show", collected.id),
                      ("population", *period, "--csv", "a.csv"), ("trail", "follow"), ("trail", "check")):  # fmt: skip
            for form in ((), ("--json",)):
                shown, code = self._said(words + form)
                files = b"".join(file.read_bytes() for file in tmp_path.glob("a.*")).decode()
                assert code in {0, 1}, shown
                assert "買収" not in shown + files
                assert "elsewhere.example" not in shown + files
        before = self._looks(logged, collected)
        shown, code = self._said(("evidence", collected.id, "--as", "legal.tanaka"))
        assert ("買収" in shown, code) == (True, 0)
        assert self._looks(logged, collected) == before + 1

    @staticmethod
    def _said(words: tuple[str, ...]) -> tuple[str, int]:
        """Return what a verb says, and its exit code."""
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        return out.getvalue() + err.getvalue(), code

    @staticmethod
    def _looks(logged: Office, case: Case) -> int:
        with logged.context.store.read() as session:
            events = told_of(session.connection(), case.id)
        return sum(said["type"] == "case.evidence_looked" for said, _ in events)

    async def test_days(self, logged: Office, collected: Case) -> None:
        """How much was taken on each day stands there, to the last one, beside what was usual on each weekday."""
        days = show(logged.context, collected.id)["downloads"]["days"]
        assert sum(days["counts"]) == 200
        first, zone = date.fromisoformat(days["first"]), ZoneInfo(collected.timezone)
        on = [(DAY - timedelta(hours=n)).astimezone(zone).date() for n in range(200)]
        assert days["counts"][(max(on) - first).days] == on.count(max(on))
        assert len(days["usual"]) == 7


class TestNeverSilent:
    async def test_nothing_collected(self, logged: Office) -> None:
        """A case whose logs nobody has read yet says that, and shows no count."""
        shown = show(logged.context, logged.report().id)["downloads"]
        assert (shown["state"], shown["sources"], shown["counts"]) == ("not_collected", [], None)

    async def test_under_way(self, logged: Office) -> None:
        """A reading that is under way is partial, and says why."""
        assert isinstance(logged.paper, Ledger)
        logged.paper.fault = lambda _number, _cursor: ActivityPage([], "0", (), wait=timedelta(hours=1))
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await collect(logged.context, case.id, seconds=10)
        shown = show(logged.context, case.id)["downloads"]
        assert (shown["state"], shown["sources"][0]["reason"]) == ("partial", "under_way")

    async def test_not_available(self, logged: Office) -> None:
        """Auditing off: the verdict is there in both languages, and nobody is declared clean."""
        assert isinstance(logged.paper, Ledger)
        logged.paper.fault = lambda _number, _cursor: NotRecorded("off")
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await collect(logged.context, case.id, seconds=10)
        await collecting.conclude(logged.context, case.id)
        shown = show(logged.context, case.id)["downloads"]
        assert (shown["state"], shown["verdict"], shown["counts"]) == ("not_available", "cannot_say", {})
        assert shown["sources"][0]["text_ja"].startswith("取得不可")
        assert shown["risks"][0]["reason"] == "incomplete"

    async def test_erased(self, logged: Office, collected: Case) -> None:
        """After an erasure the statements' counts stand; what was told by the evidence is gone."""
        assert logged.context.evidence is not None
        logged.context.evidence.erase(collected.id)
        shown = show(logged.context, collected.id)["downloads"]
        assert shown["sources"][0]["records"] == 202
        assert shown["risks"] is None

    async def test_summary_of_another_version(self, logged: Office, collected: Case) -> None:
        """A summary that this version cannot read is a problem with a remedy; the statements stand, and no count is made up."""
        assert logged.context.evidence is not None
        logged.context.evidence.save(collected.id, f"{SUMMARIES}9999.json", b'{"counts": {"teleport": 1}}')
        shown = show(logged.context, collected.id)["downloads"]
        assert (shown["sources"][0]["records"], shown["counts"], shown["verdict"]) == (202, None, None)
        assert "cannot read" in shown["problem"]
        assert shown["remedy"]

    @pytest.mark.parametrize("content", [b"[]", b"null", b"not json", b"\xff", b'{"hours": [NaN]}'])
    async def test_no_summary_at_all(self, logged: Office, collected: Case, content: bytes) -> None:
        """Whatever bytes stand where the summary should: a problem with a remedy, and the rest of the case has its digest."""
        assert logged.context.evidence is not None
        logged.context.evidence.save(collected.id, f"{SUMMARIES}9999.json", content)
        shown = show(logged.context, collected.id)
        assert (shown["downloads"]["verdict"], len(shown["digest"])) == (None, 64)
        assert "cannot read" in shown["downloads"]["problem"]

    async def test_master_key_gone(self, logged: Office, collected: Case) -> None:
        """A lost key of the evidence is a problem of the downloads alone."""
        assert logged.context.evidence is not None
        lost = KeyFile(logged.context.evidence.folder / "gone.key", lambda: False)
        context = replace(logged.context, evidence=replace(logged.context.evidence, master=lost))
        seen = case_view(context, collected.id)
        assert (seen.downloads.sources[0].records, seen.downloads.verdict) == (202, None)
        assert "evidence key file" in str(seen.downloads.problem)

    async def test_digest_needs_no_key(self, logged: Office, collected: Case) -> None:
        """Whoever cannot decrypt the evidence names the same case by the same digest, and so does who looks at all of it."""
        assert logged.context.evidence is not None
        lost = KeyFile(logged.context.evidence.folder / "gone.key", lambda: False)
        blind = replace(logged.context, evidence=replace(logged.context.evidence, master=lost))
        seen, unseen = case_view(logged.context, collected.id), case_view(blind, collected.id)
        assert "marked" in {risk.reason for risk in seen.downloads.risks or ()}, (
            "what is known beyond the digest, in two parts"
        )
        assert seen.nda.trade_secret != unseen.nda.trade_secret
        assert seen.digest == unseen.digest == look(logged.context, collected.id, by="legal").digest
        assert seen.downloads.summary_sha256 == logged.context.evidence.list(collected.id, SUMMARIES)[-1].sha256

    async def test_questions_need_no_view(
        self, logged: Office, collected: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What holds a cut is read alone: a view that cannot be had at all does not stand in its way."""
        monkeypatch.setattr("casework.view.prefect_view.case_view", None)
        assert opaque_questions(logged.context, collected.id) == ()
