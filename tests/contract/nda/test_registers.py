"""What every register of papers keeps, wherever they lie: run over each of them on the same company's papers."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from casework.nda.papers import titles
from connectors.errors import ConnectorError, Denied, NotConfigured, OutcomeUnknown, Unintelligible
from connectors.nda.contract import Paper
from connectors.nda.registry import PACKAGES, open_registers
from emulators.fault_proxy import Fault
from emulators.pledges import EXIT, PLEDGES
from models.vocabulary import Leaver, MatchReason, PaperKind
from tests.contract.nda.rig import PDF, Rig, rigging
from tests.contract.rig import leaver

SURE = 0.9
SHORT = 8
TITLE = "退職時秘密保持誓約書"
OF_VENDORS = tuple(name for name in PACKAGES if name != "folder")
# how each vendor's write, that hands a pledge to its signer, reads in the journal
SENDS = {"cloudsign": r"POST /documents/[0-9a-f]{32}$", "docusign": r"POST /restapi/v2.1/accounts/[^/]+/envelopes$"}


def kind_of(paper: Paper) -> PaperKind | None:
    """The kind that the register names, else the title: a vendor has no field for it."""
    return paper.kind or titles.kind_of(paper.title)


@pytest.fixture(params=list(PACKAGES))
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigging(request.param)(tmp_path, page_size=1) as built:
        yield built


@pytest.fixture(params=OF_VENDORS)
async def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigging(request.param)(tmp_path) as built:
        yield built


async def accepted(rig: Rig, who: Leaver) -> set[tuple[PaperKind | None, bool]]:
    """The leaver's own papers, by kind and whether everyone has signed; the work rules aside."""
    found = await rig.register.find_papers(who)
    sure = [m for m in found.matches if m.confidence >= SURE and m.reason is not MatchReason.EVERYBODY]
    return {(kind_of(m.paper), m.paper.completed) for m in sure}


class TestFindPapers:
    async def test_of_one_with_both_pledges(self, rig: Rig) -> None:
        """Both pledges are found, with kind, date and signer, page by page, and with evidence of the look."""
        found = await rig.register.find_papers(leaver("E1001"))
        mine = {kind_of(m.paper): m.paper for m in found.matches if m.confidence >= SURE}
        assert {PaperKind.ENTRY_PLEDGE, PaperKind.EXIT_PLEDGE} <= set(mine)
        assert mine[PaperKind.ENTRY_PLEDGE].signed_on == date(2020, 4, 1)
        assert all(mine[kind].completed for kind in (PaperKind.ENTRY_PLEDGE, PaperKind.EXIT_PLEDGE))
        assert found.evidence

    async def test_what_was_asked_is_kept_and_no_secret(self, vendor: Rig) -> None:
        """A search's parameters, as the vendor got them; of the exchange of a token nothing."""
        found = await vendor.register.find_papers(leaver("E1001"))
        assert vendor.stage is not None
        got = {one.query for one in vendor.stage.journal if one.method == "GET" and one.query}
        told = {one.query for one in found.evidence if one.query}
        assert {unquote_plus(one) for one in told} == {unquote_plus(one) for one in got}
        secrets = [value for value in vendor.tenant.credentials().values() if len(str(value)) > SHORT]
        assert secrets
        assert not [one for one in found.evidence for secret in secrets if str(secret) in str(one.query)]
        assert {one.query for one in found.evidence if "token" in one.what} <= {None}

    async def test_a_pledge_that_is_sent_has_no_parameters(self, vendor: Rig) -> None:
        sent = await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k1")
        assert {one.query for one in sent.evidence if not one.what.startswith("GET ")} == {None}

    async def test_a_namesakes_papers_are_never_accepted(self, rig: Rig) -> None:
        """佐藤 健 has signed nothing; another 佐藤 健 has: his papers are shown as a different person's."""
        found = await rig.register.find_papers(leaver("E1002"))
        theirs = [m for m in found.matches if m.reason is not MatchReason.EVERYBODY]
        assert [m.reason for m in theirs] == [MatchReason.DIFFERENT_PERSON] * 2
        assert all(m.confidence == 0.0 for m in theirs)
        assert len(await accepted(rig, leaver("E1003"))) == 2

    async def test_of_one_with_none(self, rig: Rig) -> None:
        """An empty answer means looked, found none: a contract of another sort is no pledge."""
        kinds = {kind for kind, _ in await accepted(rig, leaver("E1014"))}
        assert kinds == set()

    async def test_signed_under_a_former_name(self, rig: Rig) -> None:
        """A paper under the former name is found; where nothing but the name says so, a person decides."""
        found = await rig.register.find_papers(leaver("E1005"))
        best = next(m for m in found.matches if m.reason is not MatchReason.EVERYBODY)
        assert kind_of(best.paper) is PaperKind.ENTRY_PLEDGE
        assert best.reason in {MatchReason.EMPLOYEE_NO, MatchReason.FORMER_NAME}
        assert best.reason is MatchReason.EMPLOYEE_NO or best.confidence < SURE

    async def test_beside_a_signer_without_a_name(self, vendor: Rig) -> None:
        """A pledge that mentions the work rules is the leaver's own, though somebody without name and address is to sign it as well."""
        title = "就業規則遵守および秘密保持誓約書"
        if vendor.name == "cloudsign":
            document = vendor.tenant.document_of("E1001", EXIT)
            document["title"] = title
            document["participants"].append({**document["participants"][-1], "order": 2, "name": "", "email": ""})
        else:
            envelope = next(
                e for e in vendor.tenant.envelopes.values() if "美咲" in str(e) and e["emailSubject"] == EXIT
            )
            envelope["emailSubject"] = title
            signers = envelope["recipients"]["signers"]
            signers.append({**signers[0], "recipientId": "2", "name": "", "email": ""})
        found = await vendor.register.find_papers(leaver("E1001"))
        (match,) = [match for match in found.matches if match.paper.title == title]
        assert (match.reason, match.paper.signer_name) == (MatchReason.EMAIL, leaver("E1001").name)

    async def test_refused_expired_waiting(self, rig: Rig) -> None:
        """A refusal has its time, an agreement that ended its day; what waits for a signature is not completed."""
        refused = await rig.register.find_papers(leaver("E1007"))
        declined = [m.paper.declined_at for m in refused.matches if kind_of(m.paper) is PaperKind.EXIT_PLEDGE]
        assert [at.date() for at in declined if at is not None] == [date(2026, 11, 2)]
        expired = await rig.register.find_papers(leaver("E1011"))
        ends = {kind_of(m.paper): m.paper.expires_on for m in expired.matches}
        assert ends[PaperKind.PROJECT_NDA] == date(2024, 3, 31)
        waiting = await rig.register.find_papers(leaver("E1012"))
        exits = [m.paper for m in waiting.matches if kind_of(m.paper) is PaperKind.EXIT_PLEDGE]
        assert len(exits) == 2
        assert not any(paper.completed or paper.declined_at for paper in exits)

    async def test_a_scan(self, rig: Rig) -> None:
        """What somebody scanned and filed is found, and fetched as it is."""
        found = await rig.register.find_papers(leaver("E1004"))
        scan = next(m.paper for m in found.matches if kind_of(m.paper) is PaperKind.ENTRY_PLEDGE)
        pledge = next(p for p in PLEDGES if p.employee_no == "E1004")
        assert await rig.register.fetch(scan.id) == pledge.content()

    async def test_broken_down(self, rig: Rig) -> None:
        """A register that cannot be searched raises, with a remedy: it never says that there is nothing."""
        rig.break_down()
        with pytest.raises(ConnectorError) as caught:
            await rig.register.find_papers(leaver("E1001"))
        assert caught.value.advice
        assert "misaki" not in str(caught.value)
        assert await rig.register.probe()


class TestLookUp:
    async def test_twice_the_same_and_none_such(self, rig: Rig) -> None:
        """A paper is looked up by its id; one that the register never had is None."""
        found = await rig.register.find_papers(leaver("E1001"))
        paper = next(m.paper for m in found.matches if kind_of(m.paper) is PaperKind.EXIT_PLEDGE)
        again = await rig.register.look_up(paper.id)
        assert again is not None
        assert (again.id, again.signed_on, again.completed) == (paper.id, paper.signed_on, True)
        assert await rig.register.look_up("0" * 8 + "-0000-0000-0000-" + "0" * 12) is None


class TestSend:
    async def test_once_for_a_key(self, rig: Rig) -> None:
        """The same key again returns what was sent, and sends nothing."""
        first = await rig.register.send(PDF, leaver("E1001"), title=TITLE, key="case-1/exit")
        again = await rig.register.send(PDF, leaver("E1001"), title=TITLE, key="case-1/exit")
        other = await rig.register.send(PDF, leaver("E1001"), title=TITLE, key="case-2/exit")
        assert first.id == again.id != other.id
        assert sorted(paper for paper, _ in rig.delivered()) == sorted([first.id, other.id])

    @pytest.mark.parametrize("decline", [False, True])
    async def test_comes_back(self, rig: Rig, decline: bool) -> None:
        """What was sent is unsigned until the signer answers; signed or refused, it comes back under the same id."""
        sent = await rig.register.send(PDF, leaver("E1001"), title=TITLE, key="k")
        before = await rig.register.look_up(sent.id)
        assert before is not None
        assert (before.completed, before.declined_at, kind_of(before)) == (False, None, PaperKind.EXIT_PLEDGE)
        rig.answer(sent.id, decline)
        after = await rig.register.look_up(sent.id)
        assert after is not None
        assert (after.completed, after.declined_at is not None) == (not decline, decline)

    @pytest.mark.parametrize(
        "fault", [Fault("", drop=True, after=True), Fault("", status=502, after=True), Fault("", drop=True)]
    )
    async def test_unknown_outcome(self, vendor: Rig, fault: Fault) -> None:
        """Whether the answer to the sending is lost, or the request itself: the signer gets one pledge in the end, never two."""
        fault.match, fault.times = SENDS[vendor.name], 1
        assert vendor.stage is not None
        vendor.stage.faults.append(fault)
        for _ in range(3):
            try:
                sent = await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k")
            except OutcomeUnknown:
                continue
        assert [paper for paper, _ in vendor.delivered()] == [sent.id]

    @pytest.mark.parametrize("body", ["<html>", "[]", "", '"sent"'])
    async def test_a_success_that_cannot_be_read(self, vendor: Rig, body: str) -> None:
        """A write that is answered with a success and no answer may have been carried out: its outcome is unknown, and it is not sent again."""
        assert vendor.stage is not None
        sent = await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k")
        vendor.stage.journal.clear()
        for write in (vendor.register.remind(sent.id), vendor.register.take_back(sent.id, "the last day moved")):
            vendor.stage.faults.append(Fault(r"^(POST|PUT) .*(documents|envelopes)/", status=200, body=body))
            with pytest.raises(OutcomeUnknown):
                await write
        assert len([one for one in vendor.stage.journal if one.method in {"POST", "PUT"}]) == 2

    async def test_find_sent(self, rig: Rig) -> None:
        """What was sent is found by its key, and nothing by another one; nothing is sent."""
        sent = await rig.register.send(PDF, leaver("E1001"), title=TITLE, key="k1")
        reached = len(rig.delivered())
        found = await rig.register.find_sent("k1")
        assert found is not None
        assert found.id == sent.id
        assert await rig.register.find_sent("k2") is None
        assert len(rig.delivered()) == reached

    async def test_take_back_of_what_one_of_two_has_signed(self, vendor: Rig) -> None:
        """The leaver has signed and the company's countersignature is awaited: it stays, and a person is asked."""
        sent = await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k1")
        vendor.tenant.sign_first_of_two(sent.id)
        with pytest.raises(Unintelligible, match="somebody has signed it already") as refused:
            await vendor.register.take_back(sent.id, "the last day moved")
        assert refused.value.advice.startswith("See who has signed it")
        still = await vendor.register.look_up(sent.id)
        assert still is not None
        assert not still.void

    async def test_take_back(self, rig: Rig) -> None:
        """Nobody can sign any more what was taken back; again does nothing, and what everyone has signed stays."""
        sent, signed = [await rig.register.send(PDF, leaver("E1001"), title=TITLE, key=key) for key in ("k1", "k2")]
        for _ in range(2):
            await rig.register.take_back(sent.id, "the last day moved")
        taken = await rig.register.look_up(sent.id)
        assert taken is None or (taken.void, taken.completed) == (True, False)
        if rig.register.can_send:
            rig.answer(signed.id, False)
            with pytest.raises(ConnectorError):
                await rig.register.take_back(signed.id, "the last day moved")
            still = await rig.register.look_up(signed.id)
            assert still is not None
            assert still.completed

    async def test_remind(self, vendor: Rig) -> None:
        """A reminder goes to whom the pledge waits for, and to nobody once it is signed."""
        sent = await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k")
        await vendor.register.remind(sent.id)
        assert len(vendor.delivered()) == 2
        vendor.answer(sent.id, False)
        with pytest.raises(ConnectorError, match="nobody is asked"):
            await vendor.register.remind(sent.id)
        assert len(vendor.delivered()) == 2


class TestTransport:
    @pytest.mark.parametrize(
        "body",
        [
            *(f'{{"error": "{word}"}}' for word in ("invalid_request", "invalid_grant", "suspended", "user_not_found")),
            "<html>",
        ],
    )
    async def test_no_token(self, vendor: Rig, body: str) -> None:
        """Whatever a token endpoint's 400 says, our credential is at fault."""
        assert vendor.stage is not None
        vendor.stage.faults.append(Fault(r"POST (/oauth)?/token$", status=400, body=body, times=None))
        with pytest.raises(Denied, match="get a token"):
            await vendor.register.find_papers(leaver("E1001"))

    @pytest.mark.parametrize("word", ["invalid_request", "invalid_grant", "invalid_client", "unauthorized_client"])
    async def test_words_of_a_token_endpoint(self, vendor: Rig, word: str) -> None:
        """Said of another request, a word of OAuth's is about that request: our credential is not at fault, and a pledge is not given up."""
        assert vendor.stage is not None
        body = f'{{"error": "{word}", "errorCode": "{word}"}}'
        vendor.stage.faults.append(Fault(SENDS[vendor.name], status=400, body=body))
        with pytest.raises(Unintelligible, match=word):
            await vendor.register.send(PDF, leaver("E1001"), title=TITLE, key="k")

    async def test_busy_slow_and_ended(self, vendor: Rig) -> None:
        """Too many requests, a 5xx, a broken connection, a token that ended: read again, and the answer is whole."""
        assert vendor.stage is not None
        reads = r"GET .*(documents|envelopes)"
        vendor.stage.faults += [
            Fault(reads, status=429, headers={"Retry-After": "0"}),
            Fault(reads, status=503),
        ]
        assert len(await accepted(vendor, leaver("E1001"))) == 2
        vendor.stage.faults.append(Fault(reads, drop=True))
        vendor.tenant.tokens.clear()
        assert len(await accepted(vendor, leaver("E1001"))) == 2

    async def test_empty_and_strange_answers(self, vendor: Rig) -> None:
        """An answer that is not what is documented is an error, never an empty register."""
        assert vendor.stage is not None
        for body in ("{}", "[]", "<html>", '{"documents": [], "envelopes": [], "total": 9, "totalSetSize": "9"}'):
            vendor.stage.faults.append(Fault(r"GET .*(documents|envelopes)\?", status=200, body=body, times=None))
            with pytest.raises(ConnectorError):
                await vendor.register.find_papers(leaver("E1001"))
            vendor.stage.faults.clear()


class TestSettings:
    @pytest.mark.parametrize("name", OF_VENDORS)
    async def test_limits_that_are_not_json(self, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A setting that is not JSON is named, and its value is not shown."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv(f"LASTDAY_{name.upper()}_LIMITS", "calls=hunter2")
        with pytest.raises(NotConfigured, match=f"LASTDAY_{name.upper()}_LIMITS: it is not JSON") as refusal:
            async with open_registers([name]):
                raise AssertionError("it was opened")
        assert "hunter2" not in "".join(traceback.format_exception(refusal.value))
