"""What a vendor does not keep is a limit, and named; what it kept and we did not get stands against declaring anybody clean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from casework import runbook
from casework.access.rechecking import collect_again
from casework.activity import collecting
from casework.activity.summary import summarise
from casework.evidence.store import EvidenceStore
from casework.intake import moving
from casework.truth.rows import accounts_of
from connectors.activity import ActivityPage, ActivityRecord, ActivitySource, UnreadSpan, Window
from connectors.errors import ConnectorError, Denied, Unreachable
from models.tables import Case, CaseAccount
from models.vocabulary import Account, ActivityKind, ConnectionId
from tests.casework.conftest import Office
from tests.casework.leavers import steady
from tests.casework.ledger import DRIVE, Ledger, event
from tests.casework.shown import show

LOGINS = ActivitySource("logins", lag=timedelta(hours=1), retention=timedelta(days=30), scopes=())
WEEK = timedelta(days=7)


@dataclass
class Forgetful(Ledger):
    """Two logs: one that reaches over the notice window, and *logins*, which are kept for *keeps* on this plan."""

    activity_sources: tuple[ActivitySource, ...] = (DRIVE, LOGINS)
    keeps: timedelta = WEEK
    says: bool = True
    lost: tuple[UnreadSpan, ...] = ()
    logins: list[dict[str, Any]] = field(default_factory=list)
    trouble: Callable[[], ConnectorError | None] = lambda: None

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        if source == DRIVE.name:
            return await super().activity(account, source, window, cursor)
        if (error := self.trouble()) is not None:
            raise error
        edge, gaps = self.now() - self.keeps, self.lost
        if self.says and window.from_at < edge:
            gaps = (UnreadSpan("retention", "kept for a while", window.from_at, min(edge, window.until_at)), *gaps)
        inside = [raw for raw in self.logins if max(edge, window.from_at) <= moment(raw) < window.until_at]
        return ActivityPage([ActivityRecord(raw["id"], moment(raw), raw) for raw in inside], None, (), gaps=gaps)


def moment(raw: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(raw["time"])


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    built = make_office(kind=Forgetful)
    built.paper.add("g1", employee_no="E1", email="e1@example.test", name="星 空子")
    log(built).page_size = 1000
    log(built).happened("g1", steady(20))
    return built


def log(office: Office) -> Forgetful:
    assert isinstance(office.paper, Forgetful)
    return office.paper


def evidence(office: Office) -> EvidenceStore:
    assert office.context.evidence is not None
    return office.context.evidence


async def cut(office: Office, *, told_days_ahead: int = 40) -> Case:
    """Carry a departure to its end of which HR told us in good time: the notice window is longer than what most logs keep."""
    case = office.report()
    with office.context.store.write() as session:
        session.get_one(Case, case.id).opened_at -= timedelta(days=told_days_ahead)
    office.clock.pass_by(hours=10)
    await office.run(case.id)
    return case


async def told(office: Office, case: Case) -> dict[str, Any]:
    """Let the logs be read until nothing is due; return what is shown of them."""
    while any((await collect_again(office.context)).values()):
        continue
    taken: dict[str, Any] = show(office.context, case.id)["downloads"]
    return taken


async def settled(office: Office, case: Case) -> dict[str, Any]:
    """Let the logs be read, and again when their vendors' lags are over; return what is shown of them then."""
    await told(office, case)
    office.clock.pass_by(seconds=DRIVE.lag.total_seconds())
    return await told(office, case)


def stated(shown: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the verdicts on the short log, pass by pass."""
    return [(row["verdict"], row["reason"]) for row in shown["sources"] if row["source"] == "logins"]


class TestLimit:
    @pytest.mark.parametrize(("says", "keeps"), [(True, WEEK), (False, timedelta(days=30))])
    async def test_stands_against_nobody(self, office: Office, says: bool, keeps: timedelta) -> None:
        """
        A log that was read whole as far as its vendor keeps it: nothing unusual, with since when it could be looked at, in
        both languages; and so it stays for as long as its tail is read again, which is done before it is forgotten.
        """
        log(office).says, log(office).keeps = says, keeps
        case = await cut(office)
        since = f"{office.clock.at - keeps:%Y-%m-%d}"
        for _ in range(11):
            shown = await settled(office, case)
            assert shown["verdict"] == "nothing_unusual"
            [said] = shown["summary"]
            assert f"logins: looked for in this log from {since}" in said["text"]
            assert f"only, because the vendor keeps {keeps.days} days." in said["text"]
            assert f"保存期間が{keeps.days}日のため、このログは{since}" in said["text_ja"]
            office.clock.pass_by(days=3)
        first, *tails = stated(shown)
        assert (first, {*tails}) == (("partial", "retention"), {("complete", None)})
        row = next(row for row in shown["sources"] if row["source"] == "logins")
        assert row["text"].startswith(f"partial: looked for in this log from {since}")
        assert row["text_ja"].startswith("一部のみ：ベンダーの保存期間が")
        assert shown["state"] == "partial"

    async def test_names_no_limit_without_one(self, office: Office) -> None:
        """Where every log reaches over the notice window, nothing is said of a limit."""
        log(office).keeps = timedelta(days=32)
        case = await cut(office, told_days_ahead=0)
        shown = await settled(office, case)
        assert shown["verdict"] == "nothing_unusual"
        assert [said["text"] for said in shown["summary"]] == [
            "Nothing unusual in the notice window against the person's own days before it, in logs that were read completely."
        ]

    @pytest.mark.parametrize(("source", "verdict"), [("logins", "nothing_unusual"), ("drive", "cannot_say")])
    async def test_shows_nothing_that_is_new(self, office: Office, source: str, verdict: str) -> None:
        """A log without days before the notice cannot say that an application first worked since then; a longer one can."""
        used = event(7_000, datetime.fromisoformat("2026-11-28T03:00:00+00:00"), ActivityKind.TOKEN_USE, target="Mail")
        if source == "logins":
            log(office).logins.append(used)
        else:
            log(office).happened("g1", [used])
        assert (await settled(office, await cut(office)))["verdict"] == verdict


class TestLost:
    async def _cannot_say(self, office: Office, *reasons: str) -> None:
        case = await cut(office)
        for days in (0, 2, 8):
            office.clock.pass_by(days=days)
            shown = await told(office, case)
            assert shown["verdict"] == "cannot_say"
            assert "google_workspace/logins" in shown["summary"][0]["text"]
        assert {reason for _, reason in stated(shown)} >= {*reasons}

    async def test_cut_short(self, office: Office) -> None:
        """What the vendor left out of what it keeps is not hidden by what it does not keep."""
        log(office).lost = (UnreadSpan("truncated", "more than the vendor gives"),)
        await self._cannot_say(office, "truncated")

    async def test_a_hole(self, office: Office) -> None:
        """Days that are missing between days that are there are no vendor's limit, whatever they are called."""
        now = office.clock.at
        log(office).lost = (UnreadSpan("retention", "gone", now - timedelta(days=4), now - timedelta(days=3)),)
        await self._cannot_say(office, "forgotten")

    async def test_nothing_kept(self, office: Office) -> None:
        """A log that was forgotten whole before anybody asked shows nothing of the notice window."""
        log(office).keeps = timedelta(0)
        await self._cannot_say(office, "forgotten")

    async def test_no_permission(self, office: Office) -> None:
        """A log that may not be read is not short, but unread."""
        log(office).trouble = lambda: Denied("scope")
        await self._cannot_say(office, "denied")

    async def test_too_late(self, office: Office) -> None:
        """A vendor that was out of reach until days were forgotten that it had kept: they are lost, and no later pass brings them back."""
        ends_at = office.clock.at + timedelta(hours=40)
        log(office).trouble = lambda: Unreachable("503") if office.clock.at < ends_at else None
        case = await cut(office)
        await told(office, case)
        office.clock.at = ends_at + timedelta(minutes=1)
        for days in (0, 2, 8):
            office.clock.pass_by(days=days)
            shown = await told(office, case)
            assert shown["verdict"] == "cannot_say"
        assert stated(shown)[0] == ("partial", "forgotten")

    async def test_between_two_passes(self, office: Office) -> None:
        """Our machine was away for longer than the vendor keeps: the days between are lost, and no silence is claimed of them."""
        case = await cut(office)
        assert (await settled(office, case))["verdict"] == "nothing_unusual"
        office.clock.pass_by(days=20)
        shown = await told(office, case)
        office.clock.pass_by(days=11)
        shown = await told(office, case)
        assert ("partial", "forgotten") in stated(shown)
        assert (shown["verdict"], shown["silence"][0]["state"]) == ("cannot_say", "not_read")

    async def test_a_tail_that_failed_and_came(self, office: Office) -> None:
        """A tail that could not be read and then could: the limit is still there, and still said."""
        log(office).keeps = timedelta(days=10)
        case = await cut(office)
        await told(office, case)
        log(office).trouble = lambda: Denied("scope")
        office.clock.pass_by(days=1)
        assert (await told(office, case))["verdict"] == "cannot_say"
        log(office).trouble = lambda: None
        office.clock.pass_by(days=6)
        shown = await told(office, case)
        assert shown["verdict"] == "nothing_unusual"
        assert "the vendor keeps 10 days" in shown["summary"][0]["text"]
        assert shown["state"] == "partial"

    async def test_nobody_began(self, office: Office) -> None:
        """A log of the leaver's that no pass has begun to read is not read, though every other one is whole: it is named."""
        log(office).keeps = timedelta(days=32)
        case = await cut(office, told_days_ahead=0)
        shown = await settled(office, case)
        assert (shown["state"], shown["verdict"], shown["not_begun"]) == ("collected", "nothing_unusual", [])
        log(office).activity_sources = (
            *log(office).activity_sources,
            ActivitySource("exports", timedelta(0), None, ()),
        )
        log(office).trouble = lambda: None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("casework.activity.passes._BEGUN_WITHIN", timedelta(0))
            office.clock.pass_by(days=1)
            shown = await told(office, case)
        assert (shown["state"], shown["verdict"]) == ("partial", "cannot_say")
        assert shown["not_begun"] == ["google_workspace/exports"]
        assert "google_workspace/exports" in shown["summary"][0]["text"]

    async def test_never_probed(self, office: Office) -> None:
        """Nor is what was collected of one account all, where of another one no log was ever begun: which it has is not known."""
        log(office).keeps = timedelta(days=32)
        case = await cut(office, told_days_ahead=0)
        assert (await settled(office, case))["state"] == "collected"
        with office.context.store.write() as session:
            [known] = accounts_of(session, case.id)
            other = {"connection": ConnectionId("slack"), "vendor_id": "U1", "ref": "acct-1"}
            session.add(CaseAccount.model_validate(known.model_dump(exclude={"id"}) | other))
        shown = show(office.context, case.id)["downloads"]
        assert (shown["state"], shown["not_begun"]) == ("partial", ["slack/?"])

    async def test_no_longer_configured(self, office: Office) -> None:
        """A service that we do not read any more has logs of which nobody knows."""
        case = await cut(office)
        assert (await settled(office, case))["verdict"] == "nothing_unusual"
        summarise(replace(office.context, connectors={}), case.id, evidence(office))
        shown = show(office.context, case.id)["downloads"]
        assert (shown["verdict"], shown["risks"][0]["reason"]) == ("cannot_say", "incomplete")


class TestLag:
    async def test_nobody_is_clean_before_it_is_over(self, office: Office) -> None:
        """What the vendor may still show of the notice window is waited for, and read, before nothing is called unusual."""
        logins = replace(LOGINS, lag=timedelta(hours=3))
        log(office).activity_sources = (DRIVE, logins)
        case = await cut(office)
        for waited, late in ((0, (DRIVE, logins)), (2, (logins,))):
            first, shown = office.clock.at, await told(office, case)
            assert (shown["verdict"], [risk["reason"] for risk in shown["risks"]]) == ("cannot_say", ["not_read_since"])
            named = [
                f"google_workspace/{s.name}: {first - timedelta(hours=waited) - s.lag:%Y-%m-%d %H:%M} UTC" for s in late
            ]
            assert f"({', '.join(named)})" in shown["summary"][0]["text"]
            office.clock.pass_by(hours=2 - waited / 2)
        assert (await told(office, case))["verdict"] == "nothing_unusual"


class TestPutOff:
    async def test_needs_the_days_that_were_added(self, office: Office) -> None:
        """An instant that was put off after the logs were read: nobody is declared clean before the added days were read too."""
        log(office).activity_sources = (DRIVE, replace(LOGINS, retention=None))
        log(office).keeps, log(office).says = timedelta(days=400), False
        case = office.report()
        await runbook.make_plan(office.context, case.id)
        office.clock.at = case.due_at - timedelta(seconds=50)
        await collecting.before_the_cut(office.context, case.id)
        moving.reschedule(office.context, case.id, ends_on=date(2026, 12, 21), last_working_at=None, by="hr")
        office.clock.at = office.context.case(case.id).due_at + timedelta(seconds=1)
        summarise(office.context, case.id, evidence(office))
        shown = show(office.context, case.id)["downloads"]
        assert (shown["verdict"], [risk["reason"] for risk in shown["risks"]]) == ("cannot_say", ["not_read_since"])
        assert (
            f"google_workspace/drive: {case.due_at - timedelta(seconds=50) - DRIVE.lag:%Y-%m-%d %H:%M} UTC"
            in shown["summary"][0]["text"]
        )
        await office.run(case.id)
        office.clock.pass_by(days=3)
        assert (await told(office, case))["verdict"] == "nothing_unusual"


class TestSilence:
    @pytest.mark.parametrize(("days", "state"), [(0, "silent"), (3, "silent"), (9, "not_read")])
    async def test_needs_the_days_since_the_block(self, office: Office, days: int, state: str) -> None:
        """What was forgotten before the block is no matter; what was forgotten after it is not silence."""
        log(office).trouble = lambda: Unreachable("down") if office.clock.at < begins else None
        begins = office.clock.at + timedelta(days=days)
        case = office.report()
        office.clock.pass_by(hours=10)
        log(office).activity_sources, whole = (DRIVE,), log(office).activity_sources
        await office.run(case.id)
        office.clock.pass_by(days=days)
        log(office).activity_sources = whole
        await told(office, case)
        office.clock.pass_by(days=1)
        shown = await told(office, case)
        assert shown["silence"][0]["state"] == state
