"""Which papers bind the leaver: each case on a real folder, each paper a real PDF."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from casework.errors import BadRequest
from casework.evidence.keys import KeyFile
from casework.nda import checking, follow_up, pledging, rulings
from casework.nda.papers.examining import examine
from casework.policy import NdaPolicy, Policy
from connectors.errors import Unreachable
from connectors.nda.contract import FoundPapers, Paper
from connectors.nda.folder import FolderRegister
from connectors.nda.matching import likeliest
from emulators import documents
from emulators.nda_folder import write_folder
from models.tables import Case
from models.vocabulary import Leaver, TradeSecretTest
from tests.casework.registers import (
    ENTRY,
    EXIT,
    RULES,
    SIGNED_AT,
    Hire,
    joined_case,
    of_kind,
    states,
)
from tests.casework.shown import show


class TwoSigners(FolderRegister):
    """A folder, and one paper of two signers, as a signing service gives it: *signer*, and one with neither name nor address."""

    title = "就業規則 第42条"
    signer: Mapping[str, Any] = MappingProxyType({"signer_name": "星 空子"})

    async def find_papers(self, leaver: Leaver) -> FoundPapers:
        paper = Paper("folder", "both", None, self.title, completed=True, media_type=None)
        found, both = await super().find_papers(leaver), likeliest(leaver, [replace(paper, **self.signer), paper])
        return replace(found, matches=(*found.matches, both)) if both is not None else found


class TestPapers:
    async def test_both_pledges_signed(self, hire: Hire) -> None:
        """Both pledges with unbroken signatures of a trusted authority, and the work rules: signed, with nothing to do."""
        house = hire()
        files = {
            "in.pdf": documents.signed("星 空子"),
            "out.pdf": documents.signed("星 空子", at=SIGNED_AT, stamped=True),
        }
        house.file([ENTRY, EXIT, RULES], files)
        nda = await house.check(house.office.report())
        assert states(nda) == dict.fromkeys(("entry_pledge", "exit_pledge", "work_rules"), "signed")
        assert (nda["state"], nda["risk"]["level"]) == ("signed", "ordinary")
        assert of_kind(nda, "exit_pledge")["signature"] == "verified"
        assert of_kind(nda, "exit_pledge")["remedy"] is None

    async def test_work_rules_by_their_whole_title(self, hire: Hire) -> None:
        """Where no kind is named, the whole title tells that a paper without a signer is the work rules; what only mentions them is nobody's."""
        house = hire()
        rules = {"id": "rules", "title": "就業規則 第42条", "status": "施行中"}
        request = {"id": "request", "title": "就業規則 閲覧申請書", "status": "施行中"}
        house.file([RULES, ENTRY | {"file": ""}, request], {})
        known = await house.check(house.office.report())
        house.file([rules, ENTRY | {"file": ""}, request], {})
        by_title = await house.check(house.office.report())
        assert of_kind(known, "work_rules")["state"] == of_kind(by_title, "work_rules")["state"] == "signed"
        assert not [paper for nda in (known, by_title) for paper in nda["papers"] if "閲覧" in (paper["title"] or "")]

    @pytest.mark.parametrize("email", ["", "hoshi@elsewhere.test"])
    async def test_work_rules_that_somebody_like_the_leaver_signs(self, hire: Hire, tmp_path: Path, email: str) -> None:
        """A weak likeness takes no work rules from the leaver: they bind everybody."""
        house = hire(folder=(register := TwoSigners(write_folder(tmp_path / "both", [], {}))))
        register.signer = {"signer_name": "星 空子"} | ({"signer_email": email} if email else {})
        nda = await house.check(house.office.report())
        assert [(paper["state"], paper["signature"]) for paper in nda["papers"] if paper["kind"] == "work_rules"] == [
            ("signed", None)
        ]

    async def test_a_paper_that_mentions_work_rules_beside_somebody_without_a_name(
        self, hire: Hire, tmp_path: Path
    ) -> None:
        """A person rules on it: without a signer it would bind nobody."""
        house = hire(folder=(register := TwoSigners(write_folder(tmp_path / "both", [], {}))))
        register.title = "入社時誓約書（就業規則・秘密保持）"
        nda = await house.check(house.office.report())
        assert "1 doubtful" in of_kind(nda, "entry_pledge")["text"]

    async def test_work_rules_that_the_leaver_surely_signed(self, hire: Hire, tmp_path: Path) -> None:
        house = hire(folder=(register := TwoSigners(write_folder(tmp_path / "both", [], {}))))
        register.signer = {"signer_name": "星 空子", "signer_email": "e1@example.test"}
        nda = await house.check(house.office.report())
        assert (of_kind(nda, "work_rules")["state"], of_kind(nda, "work_rules")["signer"]) == ("signed", "星 空子")

    async def test_a_certificate_that_names_nobody(self, hire: Hire) -> None:
        """Where all rests on a certificate that does not show whose it is, a person is asked and the risk is raised, until one has ruled or another paper shows it."""
        house = hire()
        serial = documents.signed("20240101ABCDEF", at=SIGNED_AT)
        files = {
            "in.pdf": documents.signed("星 空子"),
            "out.pdf": serial,
            "new.pdf": documents.signed("星 空子", at=SIGNED_AT),
        }
        house.file([ENTRY, EXIT, RULES], files)
        case = house.office.report()
        nda = await house.check(case)
        assert (of_kind(nda, "exit_pledge")["state"], nda["risk"]["reasons"]) == ("signed", ["exit_pledge_unnamed"])
        assert of_kind(nda, "exit_pledge")["remedy"].startswith("See whose signature it is")
        house.file([EXIT, RULES], files)
        assert (await house.check(case))["risk"]["reasons"] == ["entry_pledge_missing", "exit_pledge_unnamed"]
        house.file([ENTRY, EXIT, EXIT | {"id": "new", "file": "new.pdf"}, RULES], files)
        assert (await house.check(case))["risk"]["level"] == "ordinary"
        house.file([ENTRY, EXIT, RULES], files)
        rulings.rule(house.office.context, case.id, "folder:out", theirs=True, reason="her card's number", by="hr")
        nda = await house.check(case)
        assert (nda["risk"]["level"], of_kind(nda, "exit_pledge")["remedy"]) == ("ordinary", None)

    async def test_a_person_s_word_outweighs_a_certificate(self, hire: Hire) -> None:
        house = hire()
        house.file([EXIT], {"out.pdf": documents.signed("月 影子", at=SIGNED_AT)})
        case = house.office.report()
        await house.check(case)
        rulings.rule(house.office.context, case.id, "folder:out", theirs=True, reason="her married name", by="hr")
        assert of_kind(await house.check(case), "exit_pledge")["state"] == "signed"

    async def test_a_trusted_time_outranks_the_register(self, hire: Hire) -> None:
        """Signed years ago, and registered as of last week: it is of another departure."""
        house = hire()
        long_ago = datetime(2019, 3, 1, 3, tzinfo=UTC)
        house.file([EXIT], {"out.pdf": documents.signed("星 空子", at=long_ago, stamped=True)})
        found = of_kind(await house.check(house.office.report()), "exit_pledge")
        assert (found["state"], "another day than the register" in found["text"]) == ("expired", True)

    async def test_what_was_filled_in_after_is_told(self, hire: Hire) -> None:
        """To what somebody filled into a form since the leaver signed it the leaver did not agree, whoever signed after that: altered, and the paper says so."""
        house = hire()
        hers = documents.signed("星 空子", body=documents.form(), at=SIGNED_AT)
        both = [
            documents.signed("月 影子", body=body, field="S2")
            for body in (documents.filled_in(hers, "100,000,000 yen"), hers)
        ]
        for paper, told in zip(both, ("altered", "signed"), strict=True):
            house.file([EXIT], {"out.pdf": paper})
            found = of_kind(await house.check(house.office.report()), "exit_pledge")
            assert (found["state"], "filled in after the leaver signed" in found["text"]) == (
                told,
                told == "altered",
            )

    async def test_a_scan_says_so(self, hire: Hire) -> None:
        """A scan without an electronic signature counts, and the record says what it does not prove."""
        house = hire()
        house.file(
            [ENTRY, EXIT | {"file": "out.png"}, RULES],
            {"in.pdf": documents.scan_pdf(), "out.png": documents.scan_png()},
        )
        nda = await house.check(house.office.report())
        for kind in ("entry_pledge", "exit_pledge"):
            assert of_kind(nda, kind)["signature"] == "none"
            assert "proves nothing by itself" in of_kind(nda, kind)["text"]
            assert "スキャン" in of_kind(nda, kind)["text_ja"]

    async def test_altered_after_signing(self, hire: Hire) -> None:
        """A paper that was changed after it was signed raises the risk, and is told once."""
        house = hire()
        house.file(
            [ENTRY, EXIT, RULES],
            {"in.pdf": documents.scan_pdf(), "out.pdf": documents.changed_afterwards(documents.signed("星 空子"))},
        )
        nda = await house.check(house.office.report())
        assert states(nda)["exit_pledge"] == nda["state"] == "altered"
        assert nda["risk"]["reasons"] == ["exit_pledge_altered"]
        said = of_kind(nda, "exit_pledge")["text"].split("; ")
        assert len(said) == len(set(said))

    async def test_a_namesakes_paper_is_not_accepted(self, hire: Hire) -> None:
        """A colleague of the same name has signed: that is not the leaver's pledge, and its bytes are not even opened."""
        house = hire()
        namesake = EXIT | {"signer_employee_no": "E2"}
        house.file([ENTRY, namesake, RULES], {"in.pdf": documents.scan_pdf(), "out.pdf": documents.signed("星 空子")})
        case = house.office.report()
        nda = await house.check(case)
        assert states(nda)["exit_pledge"] == "missing"
        assert "1 of another person" in of_kind(nda, "exit_pledge")["text"]
        assert [(p["paper"], p["sha256"]) for p in nda["not_accepted"]] == [("folder:out", None)]
        kept = house.office.context.evidence
        assert kept is not None
        assert len(kept.list(case.id)) == 1

    async def test_a_doubtful_paper_waits_for_a_person(self, hire: Hire) -> None:
        """The same name alone is not enough; once a person has ruled, the paper counts."""
        house = hire()
        rows = [{k: v for k, v in row.items() if k != "signer_employee_no"} for row in (ENTRY, EXIT)]
        house.file(rows, {"in.pdf": documents.scan_pdf(), "out.pdf": documents.scan_pdf()})
        case = house.office.report()
        nda = await house.check(case)
        assert {p["paper"] for p in nda["not_accepted"]} == {"folder:in", "folder:out"}
        rulings.rule(house.office.context, case.id, "folder:out", theirs=True, reason="the original is here", by="hr")
        assert states(await house.check(case))["exit_pledge"] == "signed"
        rulings.rule(house.office.context, case.id, "folder:in", theirs=False, reason="a cousin's", by="hr")
        nda = await house.check(case)
        assert [p["remedy"] for p in nda["not_accepted"]] == [None]
        with pytest.raises(BadRequest, match="no such paper"):
            rulings.rule(house.office.context, case.id, "folder:x", theirs=True, reason="r", by="hr")

    @pytest.mark.parametrize(("on", "state"), [("2026-11-30", "expired"), ("2026-12-01", "signed")])
    async def test_term_that_ends_with_the_last_day(self, hire: Hire, on: str, state: str) -> None:
        """It binds for no day after the employment, which is what it is for; that one binds for less long than policy wants is said."""
        house = hire()
        house.file([ENTRY | {"expires_on": on}], {"in.pdf": documents.scan_pdf()})
        paper = of_kind(await house.check(house.office.report()), "entry_pledge")
        assert paper["state"] == state
        assert ("less than 2 years" in paper["text"]) == (state == "signed")

    async def test_file_that_is_gone(self, hire: Hire) -> None:
        """A paper that the manifest names and that is not there is unreadable, not missing."""
        house = hire()
        house.file([EXIT], {})
        assert states(await house.check(house.office.report()))["exit_pledge"] == "unreadable"

    async def test_exit_pledge_of_another_departure(self, hire: Hire) -> None:
        """An exit pledge from years ago belongs to a former employment: it is not this departure's."""
        house = hire()
        house.file([EXIT | {"signed_on": "2021-03-31"}], {"out.pdf": documents.scan_pdf()})
        paper = of_kind(await house.check(house.office.report()), "exit_pledge")
        assert paper["state"] == "expired"
        assert "earlier employment" in paper["text"]

    @pytest.mark.parametrize(
        ("joined", "state"), [("2026/10/15", "expired"), ("2026年9月30日", "signed"), ("いつか", "signed")]
    )
    async def test_exit_pledge_of_before_the_entry(self, hire: Hire, joined: str, state: str) -> None:
        """HR's notice says since when: a pledge from before belongs to a former employment.  A day that cannot be read says nothing."""
        house = hire()
        house.file([EXIT | {"signed_on": "2026-09-30"}], {"out.pdf": documents.scan_pdf()})
        assert of_kind(await house.check(joined_case(house, joined)), "exit_pledge")["state"] == state

    async def test_wording_and_term_are_held_against_policy(self, hire: Hire) -> None:
        """A wording that policy does not know, and a pledge that ends with the employment, are said."""
        policy = Policy(nda=NdaPolicy(templates={"entry_pledge": ["ab" * 32]}, languages=["ja"]))
        house = hire(policy)
        house.file([ENTRY | {"survives": "no", "language": "en"}], {"in.pdf": documents.scan_pdf()})
        text = of_kind(await house.check(house.office.report()), "entry_pledge")["text"]
        assert "not among the known versions" in text
        assert "does not bind after the employment" in text
        assert "language that policy does not name" in text


class TestService:
    async def test_down_is_unreadable_and_the_cut_goes_on(self, hire: Hire) -> None:
        """A register that is down makes papers unreadable, never missing; the case is cut and closed all the same."""
        house = hire(folder=Down())
        case = house.office.report()
        nda = await house.check(case)
        assert set(states(nda).values()) == {"unreadable"}
        assert nda["state"] == "unreadable"
        house.office.clock.pass_by(hours=10)
        await house.office.run(case.id)
        assert show(house.office.context, case.id)["state"] == "closed"

    async def test_slow_one_is_given_up(self, hire: Hire) -> None:
        """A register that does not answer in policy's time is unreadable."""
        house = hire(Policy(nda=NdaPolicy(seconds=0.2)), folder=Down(hangs=True))
        nda = await house.check(house.office.report())
        assert "within 0.2 s" in nda["looks"][0]["problem"]

    async def test_one_of_two_down(self, hire: Hire, tmp_path: Path) -> None:
        """What one register shows stands; what only the other could show is not known."""
        house = hire(
            folder=FolderRegister(write_folder(tmp_path / "one", [ENTRY], {"in.pdf": documents.scan_pdf()})),
            other=Down("other"),
        )
        nda = await house.check(house.office.report())
        assert states(nda) == {"entry_pledge": "signed", "exit_pledge": "unreadable", "work_rules": "unreadable"}

    async def test_settings_that_are_wrong_stop_nothing(self, hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run whose registers cannot be opened records that, and goes on."""
        monkeypatch.setenv("LASTDAY_NDA_REGISTERS", "nowhere")
        house = hire()
        case = house.office.report()
        await checking.check_if_due(house.office.context, case.id)
        assert house.shown(case)["state"] == "unreadable"


class Down:
    """A register whose vendor does not answer."""

    can_send = True

    def __init__(self, name: str = "folder", *, hangs: bool = False) -> None:
        self.name, self.hangs = name, hangs

    async def find_papers(self, leaver: object) -> FoundPapers:
        if self.hangs:
            await asyncio.sleep(60)
        raise Unreachable(f"{self.name}: cannot search: 503", code="503")


class TestRefusal:
    async def test_is_lawful_and_falls_back(self, hire: Hire) -> None:
        """A refusal is recorded with date and witness; the entry pledge and the work rules bind on, the risk is raised."""
        house = hire()
        house.file([ENTRY, RULES], {"in.pdf": documents.signed("星 空子")})
        case = house.office.report()
        row = rulings.refuse(house.office.context, case.id, witness="人事 佐藤", on=date(2026, 11, 29), by="hr")
        again = rulings.refuse(house.office.context, case.id, witness="人事 佐藤", on=date(2026, 11, 29), by="hr")
        assert row.id == again.id
        nda = await house.check(case)
        paper = of_kind(nda, "exit_pledge")
        assert (paper["state"], nda["state"], nda["risk"]["reasons"]) == ("refused", "refused", ["exit_pledge_refused"])
        assert "2026-11-29" in paper["text"]
        assert "still binding: entry pledge (2020-04-01), article of the work rules" in paper["text"]
        assert "佐藤" not in str(house.leaves(case, "nda."))

    @pytest.mark.parametrize(("change", "state"), [(bytes, "signed"), (documents.changed_afterwards, "altered")])
    async def test_hides_no_paper(self, hire: Hire, change: Callable[[bytes], bytes], state: str) -> None:
        """Who declined and signed after all has signed; a paper that was tampered with shows, whatever was declined."""
        house = hire()
        case = house.office.report()
        rulings.refuse(house.office.context, case.id, witness="S", on=date(2026, 11, 29), by="hr")
        out = change(documents.signed("星 空子", at=SIGNED_AT))
        house.file([ENTRY, EXIT], {"in.pdf": documents.scan_pdf(), "out.pdf": out})
        assert states(await house.check(case))["exit_pledge"] == state

    async def test_nobody_asks_again(self, hire: Hire) -> None:
        """After a refusal no pledge is sent, what was out is not waited for, and no reminder goes."""
        house = hire()
        case = house.office.report(employment_ends_on="2026-12-20")
        await pledging.send_pledge(house.nda_context, case.id, by="hr")
        rulings.refuse(house.office.context, case.id, witness="S", on=date(2026, 11, 30), by="hr")
        with pytest.raises(BadRequest, match="declined"):
            await pledging.send_pledge(house.nda_context, case.id, by="hr")
        house.office.clock.pass_by(days=10)
        assert await follow_up.follow_up_with(house.nda_context) == 0
        assert house.shown(case)["pledge"]["state"] == "declined"

    @pytest.mark.parametrize(
        ("witness", "on"), [("", date(2026, 11, 29)), ("S", date(2026, 12, 1)), ("x" * 300, date(2026, 11, 29))]
    )
    def test_needs_a_witness_and_a_past_day(self, hire: Hire, witness: str, on: date) -> None:
        """Without a witness, or for a day that lies ahead, nothing is recorded."""
        house = hire()
        case = house.office.report()
        with pytest.raises(BadRequest):
            rulings.refuse(house.office.context, case.id, witness=witness, on=on, by="hr")


class TestTrail:
    async def test_digests_and_verdicts_without_names(self, hire: Hire) -> None:
        """The leaves hold digests and verdicts; names, titles and papers stand in what can be erased."""
        house = hire()
        content = documents.signed("星 空子")
        house.file([ENTRY | {"title": "誓約書 星 空子"}], {"in.pdf": content})
        case = house.office.report()
        await house.check(case)
        told = house.leaves(case, "nda.")
        digests = [e["content_sha256"] for leaf in told for e in leaf.get("evidence", ()) if "content_sha256" in e]
        assert digests == [examine(content).sha256]
        assert {leaf["state"] for leaf in told if leaf.get("kind") == "entry_pledge"} == {"signed"}
        assert all(word not in str(told) for word in ("星", "空子", "誓約", "in.pdf"))
        (bound,) = house.leaves(case, "evidence.bound")
        assert bound["evidence"][0]["sha256"] == digests[0]

    async def test_bytes_are_kept_once_and_can_be_erased(self, hire: Hire) -> None:
        """The papers lie encrypted in the case's evidence; a second round adds nothing; erased, they are gone."""
        house = hire()
        content = documents.signed("星 空子")
        house.file([ENTRY], {"in.pdf": content})
        case = house.office.report()
        await house.check(case)
        await house.check(case)
        kept = house.office.context.evidence
        assert kept is not None
        (stored,) = kept.list(case.id)
        with kept.open(case.id, stored.name) as file:
            assert file.read() == content
        assert all(content[:200] not in path.read_bytes() for path in kept.folder.rglob("*") if path.is_file())
        assert len(house.leaves(case, "evidence.bound")) == 1
        kept.erase(case.id)
        assert kept.list(case.id) == []

    @pytest.mark.parametrize("lost", ["key", "folder"])
    async def test_bytes_that_cannot_be_kept(self, hire: Hire, lost: str) -> None:
        """Without the evidence's key, or its folder, what a paper amounts to is known all the same."""
        house = hire()
        kept = house.office.context.evidence
        assert kept is not None
        if lost == "key":
            kept = replace(kept, master=KeyFile(kept.folder / "gone", lambda: False))
            house.nda_context = replace(house.nda_context, context=replace(house.office.context, evidence=kept))
        else:
            kept.folder.write_bytes(b"")
        house.file([ENTRY], {"in.pdf": documents.signed("星 空子")})
        assert states(await house.check(house.office.report()))["entry_pledge"] == "signed"

    async def test_check_holds_up_no_close(self, hire: Hire) -> None:
        """A case closes when its rows are settled, whatever its papers are."""
        house = hire()
        case = house.office.report()
        await house.check(case)
        house.office.clock.pass_by(hours=10)
        await house.office.run(case.id)
        shown = show(house.office.context, case.id)
        assert (shown["state"], shown["nda"]["state"]) == ("closed", "missing")
        assert of_kind(shown["nda"], "exit_pledge")["remedy"] is not None


class TestTradeSecret:
    async def test_what_is_shown_and_what_is_asked(self, hire: Hire) -> None:
        """Each test has what the record shows, what a person must answer, and the latest answer."""
        house = hire()
        house.file([ENTRY | {"scope": "設計図"}, RULES], {"in.pdf": documents.scan_pdf()})
        case = house.office.report()
        await house.check(case)
        rulings.answer(house.office.context, case.id, TradeSecretTest.USEFULNESS, "first", by="legal")
        rulings.answer(house.office.context, case.id, TradeSecretTest.USEFULNESS, "価格表の計算に使う", by="legal")
        tests = {test["test"]: test for test in house.shown(case)["trade_secret"]}
        assert set(tests) == set(TradeSecretTest)
        assert "entry pledge on file (2020-04-01)" in tests["secrecy_management"]["shows"]
        assert tests["usefulness"]["shows"] == ["the papers name as secret: 設計図"]
        assert tests["usefulness"]["answer"]["text"] == "価格表の計算に使う"
        assert tests["non_public"]["answer"] is None
        assert all(test["asks"] and test["asks_ja"] for test in tests.values())
        with pytest.raises(BadRequest):
            rulings.answer(house.office.context, case.id, TradeSecretTest.USEFULNESS, "  ", by="legal")


class TestLeave:
    async def test_nobody_leaves(self, hire: Hire) -> None:
        """A withdrawn departure has no papers to be looked for."""
        house = hire()
        case = house.office.report()
        with house.office.context.store.write() as session:
            row = session.get_one(Case, case.id)
            row.state = row.state.__class__.WITHDRAWN
            session.add(row)
        await checking.check(house.nda_context, case.id)
        assert house.leaves(case, "nda.") == []
