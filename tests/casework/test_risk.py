"""What is unusual is found and explained; what was always so is not; what cannot be known is not declared clean."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework import runbook
from casework.activity import collecting
from casework.activity.collecting import collect
from casework.activity.comparison import Comparison
from casework.activity.confidential_marks import mark_of
from casework.activity.risk import reasons_of, verdict_of
from casework.activity.tally import EXITS, Tally
from casework.policy import ActivityPolicy as Rules
from connectors.activity import Activity
from models.vocabulary import TAKES, ActivityKind
from tests.casework.conftest import Office
from tests.casework.leavers import DAYS, END, NOTICE_ON, TOKYO, Raw, exporter, hoarder, programmer, reasons, steady
from tests.casework.ledger import Ledger
from tests.casework.shown import show

LEDGER = Ledger()


class TestHoarder:
    async def test_found_explained_complete(self, logged: Office) -> None:
        """37,000 downloads among 180 days of normal use: found, explained in three sentences with figures, complete."""
        assert isinstance(logged.paper, Ledger)
        records = list(hoarder())
        logged.paper.page_size = 1000
        logged.paper.happened("g1", records)
        logged.clock.at = datetime(2026, 11, 30, 14, 0, tzinfo=ZoneInfo("UTC"))
        case = logged.report()
        await runbook.make_plan(logged.context, case.id)
        await collect(logged.context, case.id, seconds=600)
        await collecting.conclude(logged.context, case.id)
        shown = show(logged.context, case.id)["downloads"]
        assert (shown["state"], shown["verdict"]) == ("collected", "unusual")
        assert shown["sources"][0]["records"] == sum(
            datetime.fromisoformat(str(r["time"])) < logged.clock.at for r in records
        )
        first, *_ = sentences = [said["text"] for said in shown["summary"]]
        assert len(sentences) == 3
        assert 37_000 < shown["risks"][0]["figures"]["takes"] < 39_000
        assert f"{shown['risks'][0]['figures']['takes']:,} files were taken" in first
        assert all(said["text_ja"] for said in shown["summary"])
        assert {"volume", "marked", "off_hours", "folders", "new_addresses"} <= {
            risk["reason"] for risk in shown["risks"]
        }

    @pytest.mark.parametrize("taken", [1_500, 5_000])
    def test_smaller(self, taken: int) -> None:
        """A few thousand are found as well."""
        assert {"volume", "off_hours"} & reasons(hoarder(taken)).keys()


class TestSteady:
    @pytest.mark.parametrize("a_day", [20, 400])
    def test_not_flagged(self, a_day: int) -> None:
        """Who always worked with that much is not unusual for it, however much it is."""
        assert reasons(steady(a_day)) == {}

    def test_not_flagged_once_a_month(self) -> None:
        """Who closes the books takes two thousand files on one day of each month, and nearly none on the others."""
        closing = (END.replace(month=month, day=25) for month in range(6, 12))
        taken: list[Raw] = [
            {"id": f"{day}/{n}", "time": f"{day}T03:00:00+00:00", "kind": "download"}
            for day in closing
            for n in range(2000)
        ]
        assert reasons([*steady(10), *taken]) == {}

    def test_a_hoard_before_the_notice(self) -> None:
        """One great night before the notice is no habit."""
        night: list[Raw] = [
            {"id": f"n{n}", "time": "2026-10-15T03:00:00+00:00", "kind": "download"} for n in range(20_000)
        ]
        assert "days_before" in reasons([*steady(10), *night])

    @settings(max_examples=6, deadline=None)
    @given(a_day=st.integers(1, 100), seed=st.integers(0, 10_000), spread=st.floats(0, 0.3))
    def test_whatever_the_habit(self, a_day: int, seed: int, spread: float) -> None:
        """No steady habit is unusual."""
        assert reasons(steady(a_day, seed=seed, spread=spread)) == {}

    @settings(max_examples=4, deadline=None)
    @given(a_day=st.integers(1, 60), seed=st.integers(0, 10_000))
    def test_and_the_same_with_a_burst(self, a_day: int, seed: int) -> None:
        """The same person with 5,000 in one night is, whatever the habit."""
        burst: list[Raw] = [
            {"id": f"b{n}", "time": "2026-11-20T13:00:00+00:00", "kind": "download"} for n in range(5_000)
        ]
        found = reasons([*steady(a_day, seed=seed), *burst])
        assert {"volume", "days", "burst"} <= found.keys()


class TestNotClean:
    def test_programs(self) -> None:
        """An API client leaves no whole list of what was taken: nobody is declared clean after one."""
        found = reasons(programmer())
        assert found["programs"].unclean
        assert "cannot be declared clean" in found["programs"].said.en
        assert verdict_of(list(found.values())) == "cannot_say"

    def test_exports(self) -> None:
        """A whole export of somebody who never made one is unusual; of somebody who made them all along it leaves the question open."""
        made = reasons(exporter())
        assert list(made) == ["exports"]
        assert (made["exports"].unclean, made["exports"].figures["number"], made["exports"].figures["before"]) == (
            False,
            1,
            0,
        )
        always: list[Raw] = [
            {"id": f"t{month}", "time": f"2026-{month:02}-03T03:00:00+00:00", "kind": "takeout"}
            for month in range(6, 12)
        ]
        assert list(reasons([*steady(30), *always])) == ["takeout"]

    def test_too_few_days(self) -> None:
        """Without days to compare with, much is said to be much, and nothing is called unusual."""
        found = reasons(steady(200), covered=NOTICE_ON - timedelta(days=3))
        assert found.keys() == {"no_baseline"}
        assert found["no_baseline"].unclean

    def test_new_comer(self) -> None:
        """Two days of history, few files, all at the weekend: no sentence compares, and the person is not declared clean."""
        weekend: list[Raw] = [
            {"id": f"w{n}", "time": "2026-11-28T03:00:00+00:00", "kind": "download", "title": "極秘"}
            for n in range(300)
        ]
        found = reasons(weekend, covered=NOTICE_ON - timedelta(days=2))
        assert found.keys() == {"no_baseline"}
        assert "300 files" in found["no_baseline"].said.en
        assert verdict_of(list(found.values())) == "cannot_say"

    def test_a_short_log_beside_a_long_one(self) -> None:
        """What a log without days before the notice tells is not held against the days of another one."""
        tally = Tally(TOKYO, NOTICE_ON, END, Rules())
        for raw in steady(20):
            tally.add("drive", "paper", LEDGER.describe("drive", raw))
        for raw in steady(200, seed=5):
            if datetime.fromisoformat(str(raw["time"])).date() > NOTICE_ON:
                tally.add("files", "paper", LEDGER.describe("files", raw))
        covered = {"drive": END - timedelta(days=DAYS - 1), "files": NOTICE_ON}
        comparison = Comparison(tally, covered)
        words = {reason.reason for reason in reasons_of(comparison)}
        assert "no_baseline" in words
        assert not {"volume", "days"} & words

    def test_new_application(self) -> None:
        """An application that first worked with the leaver's tokens since the notice is told."""
        use: Raw = {"id": "t1", "time": "2026-11-20T03:00:00+00:00", "kind": "token_use", "target": "rclone"}
        assert reasons([*steady(30), use])["applications"].figures["new_applications"] == 1


class TestViews:
    def test_are_told_apart(self) -> None:
        """Where a vendor counts a view as a download, the sentence says how many of them were views."""
        seen: list[Raw] = [
            {"id": f"v{n}", "time": "2026-11-20T03:00:00+00:00", "kind": "view_as_download"} for n in range(3000)
        ]
        found = reasons([*steady(10), *seen])["volume"]
        assert "3,000 of them are views" in found.said.en
        assert "3,000件" in found.said.ja


class TestShares:
    def test_made_since_the_notice(self) -> None:
        """Shares to outsiders since the notice are counted against those before it."""
        shared: list[Raw] = [
            {"id": f"s{n}", "time": f"2026-11-2{n}T03:00:00+00:00", "kind": "external_share"} for n in range(4)
        ]
        assert reasons([*steady(30), *shared])["shares"].figures == {"shares": 4, "before": 0, "days": 149}


class TestZone:
    def test_hours_are_the_persons(self) -> None:
        """Night is night where the person lives: 23:00 in Tokyo is 14:00 in London."""
        night: list[Raw] = [
            {"id": f"n{n}", "time": "2026-11-20T14:00:00+00:00", "kind": "download"} for n in range(300)
        ]
        assert "off_hours" in reasons([*steady(1), *night])


class TestMarks:
    @pytest.mark.parametrize(
        "text",
        ["極秘", "【秘】企画書.docx", "社外秘_価格表.xlsx", "㊙一覧", "マル秘メモ", "Confidential - plan.pdf", "STRICTLY CONFIDENTIAL",
         "company_confidential.txt", "(秘)", "秘_2026", "取扱注意", "機密情報.xlsx", "部外秘", "営業秘密一覧",
         "秘密保持契約書_社外秘.pdf", "秘密保持契約対象 極秘.xlsx", "㊙", "NDA (Confidential).pdf"],
    )  # fmt: skip
    def test_are_seen(self, text: str) -> None:
        """What a company writes on what is confidential."""
        assert mark_of([None, text]) is not None

    @pytest.mark.parametrize(
        "text",
        ["秘書課名簿.xlsx", "秘密保持契約書.docx", "秘密保持契約_雛形", "機密保持契約", "Non-Disclosure Agreement.pdf", "神秘.txt", "便秘.png",
         "confidentiality agreement.docx", "non-confidential summary", "non\u2011confidential", "Ｎｏｎ－Ｃｏｎｆｉｄｅｎｔｉａｌ", "秘書", "議事録", "秘訣集.pptx", "NDA 守秘義務について", ""],
    )  # fmt: skip
    def test_are_not_read_into_words(self, text: str) -> None:
        """A secretary, an agreement on secrecy, a mystery: words that hold the sign and mark nothing."""
        assert mark_of([text]) is None

    def test_own(self) -> None:
        """A company's own word counts as well."""
        assert mark_of(["Projekt Zeder"], ("zeder",)) == "zeder"
        assert mark_of(["Projekt Zeder"]) is None


class TestTally:
    def test_memory_is_capped(self) -> None:
        """However many folders, addresses and ways out there are, the sets stay within their caps and say so."""
        tally = Tally(TOKYO, NOTICE_ON, END, Rules())
        moment = datetime(2026, 11, 20, 12, tzinfo=TOKYO)
        for n in range(25_000):
            record = Activity(ActivityKind.DOWNLOAD, moment, "x", folder=f"f{n}", ip=f"a{n}", target=f"t{n}")
            tally.add("drive", "paper", [record, Activity(ActivityKind.GRANT, moment, "x", target=f"t{n}")])
        assert tally.full == {"folders", "addresses and devices"}
        assert (len(tally.folders), len(tally.since.addresses), len(tally.exits)) == (20_000, 2_000, 500)
        assert (tally.since.of(TAKES), tally.since.of(EXITS)) == (25_000, 25_000)
