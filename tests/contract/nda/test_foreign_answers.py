"""No register follows a redirect, believes one, or sends its token to a site that is not the vendor's."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from connectors.errors import ConnectorError, OutcomeUnknown, Unintelligible
from connectors.nda.docusign.client import is_own_site
from emulators.fault_proxy import Fault, FaultProxy
from tests.contract.nda import rig_docusign
from tests.contract.nda.rig import PDF, Rig, rigging
from tests.contract.nda.test_registers import OF_VENDORS, SENDS, TITLE
from tests.contract.rig import leaver
from tests.contract.stranger import REDIRECTS, Stranger, as_redirect, stranger, with_links

Verb: TypeAlias = Callable[[Rig, str], Awaitable[Any]]

PAPER = "00000000-0000-0000-0000-000000000001"
TOKENS = r"POST \S*/token$"
WORDS = (
    '{"error": "not_found"}',
    '{"error": "webapi_option_required"}',
    '{"errorCode": "ENVELOPE_DOES_NOT_EXIST"}',
    '{"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"}',
    '{"error": "consent_required"}',
)
"""What the vendors say when a paper is absent, an option missing, or when to wait."""
VERBS: dict[str, Verb] = {
    "find_papers": lambda rig, _: rig.register.find_papers(leaver("E1001")),
    "look_up": lambda rig, paper: rig.register.look_up(paper),
    "fetch": lambda rig, paper: rig.register.fetch(paper),
    "send": lambda rig, _: rig.register.send(PDF, leaver("E1001"), title=TITLE, key="case-1/exit"),
    "remind": lambda rig, paper: rig.register.remind(paper),
}


@pytest.fixture(params=OF_VENDORS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigging(request.param)(tmp_path) as built:
        yield built


@pytest.fixture
def foreign() -> Iterator[Stranger]:
    with stranger() as met:
        yield met


def stage_of(rig: Rig) -> FaultProxy:
    assert rig.stage is not None
    return rig.stage


def sent_away(rig: Rig, status: int, location: str, body: str = "", match: str = ".") -> None:
    """Let the vendor answer what fits *match* with a redirect, and do nothing."""
    stage_of(rig).faults[:] = [Fault(match, status=status, body=body, headers={"Location": location}, times=None)]


async def a_paper(rig: Rig) -> str:
    return (await rig.register.find_papers(leaver("E1012"))).matches[0].paper.id


class TestEveryVerb:
    @pytest.mark.parametrize("verb", VERBS)
    async def test_follows_no_redirect(self, rig: Rig, foreign: Stranger, verb: str) -> None:
        """A redirect is followed nowhere, by no status; nothing is sent to a signer."""
        paper = await a_paper(rig)
        for status, location in itertools.product(REDIRECTS, foreign.addresses()):
            sent_away(rig, status, location)
            with pytest.raises(Unintelligible) as raised:
                await VERBS[verb](rig, paper)
            assert raised.value.evidence[-1].status == status
        assert foreign.received == []
        assert not [request for request in stage_of(rig).journal if "foreign" in request.path]
        assert rig.delivered() == []

    @pytest.mark.parametrize("verb", VERBS)
    async def test_believes_no_redirect(self, rig: Rig, foreign: Stranger, verb: str) -> None:
        """An answer under a redirect's status is not believed, though word for word it is the vendor's true one."""
        paper = await a_paper(rig)
        stage_of(rig).app = as_redirect(stage_of(rig).app, 301, foreign.addresses()[0])
        with pytest.raises(Unintelligible):
            await VERBS[verb](rig, paper)
        assert foreign.received == []

    async def test_takes_no_word_from_a_redirect(self, rig: Rig, foreign: Stranger) -> None:
        """What a redirect says of absence, options or haste is not about the call."""
        paper = await a_paper(rig)
        for words, verb in itertools.product(WORDS, VERBS):
            sent_away(rig, 302, foreign.addresses()[0], words)
            with pytest.raises(Unintelligible) as raised:
                await VERBS[verb](rig, paper)
            assert raised.value.code is None, (verb, words)
            assert "302" in str(raised.value)

    async def test_probe_says_so(self, rig: Rig, foreign: Stranger) -> None:
        """A register that sends us away is one with a problem, before it gave a token and after."""
        for _ in ("before", "after"):
            for words in ("", *WORDS):
                sent_away(rig, 307, foreign.addresses()[0], words)
                ((problem, _remedy),) = await rig.register.probe()
                assert "307" in problem, words
            stage_of(rig).faults.clear()
            assert await a_paper(rig)
        assert foreign.received == []

    async def test_no_token_from_a_redirect(self, rig: Rig, foreign: Stranger) -> None:
        """Client id and assertion go to one host; a token under a redirect's status is none: with it nothing is asked."""
        plain = stage_of(rig).app
        for status, location in itertools.product(REDIRECTS, foreign.addresses()):
            stage_of(rig).app = as_redirect(plain, status, location, TOKENS)
            with pytest.raises(Unintelligible):
                await rig.register.find_papers(leaver("E1001"))
        assert {request.path.rpartition("/")[2] for request in stage_of(rig).journal} == {"token"}
        assert foreign.received == []

    async def test_pages_lead_nowhere_else(self, rig: Rig, foreign: Stranger) -> None:
        """Where a list says that its next page is at another host, nothing is asked there."""
        stage_of(rig).app = with_links(stage_of(rig).app, foreign.addresses()[0])
        await rig.register.find_papers(leaver("E1001"))
        assert foreign.received == []


class TestSend:
    async def test_a_redirect_that_did_nothing(self, rig: Rig, foreign: Stranger) -> None:
        """A sending that is answered by a redirect is unknown: it is looked for, and sent once in all."""
        sent_away(rig, 303, foreign.addresses()[0], match=SENDS[rig.name])
        with pytest.raises(OutcomeUnknown):
            await VERBS["send"](rig, PAPER)
        assert rig.delivered() == []
        stage_of(rig).faults.clear()
        await VERBS["send"](rig, PAPER)
        assert len(rig.delivered()) == 1

    async def test_a_redirect_after_it_was_done(self, rig: Rig, foreign: Stranger) -> None:
        """Where the vendor sent the pledge and then redirects, a read finds it, and no second one leaves."""
        stage = stage_of(rig)
        plain, stage.app = stage.app, as_redirect(stage.app, 303, foreign.addresses()[0], SENDS[rig.name])
        sent = await VERBS["send"](rig, PAPER)
        stage.app = plain
        assert (await VERBS["send"](rig, PAPER)).id == sent.id
        assert len(rig.delivered()) == 1
        assert foreign.received == []


class TestSiteOfAnAccount:
    @pytest.mark.parametrize("site", ["https://na2.docusign.net", "https://eu.docusign.net", "https://x.docusign.com"])
    def test_the_vendors(self, site: str) -> None:
        """DocuSign's sites are hosts under its two names."""
        assert is_own_site(site, "https://account.docusign.com")

    @pytest.mark.parametrize(
        "site",
        [
            "http://na2.docusign.net",
            "https://foreign.example",
            "https://na2.docusign.net.foreign.example",
            "https://foreigndocusign.net",
            "https://docusign.net@foreign.example",
            "https://foreign.example/.docusign.net",
            "https://foreign.example#.docusign.net",
            "https://127.0.0.1:1",
            "http://127.0.0.1:1",
            "na2.docusign.net",
            "",
            None,
        ],
    )
    def test_not_the_vendors(self, site: str | None) -> None:
        """Whatever only looks like one is none, this machine neither: that is for an emulated account."""
        assert not is_own_site(site, "https://account.docusign.com")

    @pytest.mark.parametrize(
        ("site", "own"),
        [("https://127.0.0.1:1", True), ("http://127.0.0.1:1", False), ("https://na2.docusign.net", False)],
    )
    def test_emulated(self, site: str, own: bool) -> None:
        """An emulated account's token stays on this machine."""
        assert is_own_site(site, "https://localhost:9") is own

    @pytest.mark.parametrize("form", ["http://127.0.0.1:{port}", "https://foreign.example:{port}", ""])
    async def test_the_token_does_not_go_there(self, tmp_path: Path, foreign: Stranger, form: str) -> None:
        """Where the authority names a foreign site nothing is asked of it, at the second try neither, and the answer is kept."""
        async with rig_docusign.rig(tmp_path) as made:
            account = {"account_id": made.tenant.account_id, "base_uri": form.format(port=foreign.port)}
            told = json.dumps({"sub": "", "accounts": [account]})
            stage_of(made).faults.append(Fault("GET /oauth/userinfo", status=200, body=told, times=None))
            for _ in range(2):
                with pytest.raises(ConnectorError) as raised:
                    await made.register.find_papers(leaver("E1001"))
                assert (type(raised.value), raised.value.code) == (Unintelligible, "foreign_site")
                assert "LASTDAY_DOCUSIGN_ENDPOINT" in raised.value.advice
                assert raised.value.evidence[-1].what == "GET /oauth/userinfo"
            assert foreign.received == []
            assert {request.path for request in stage_of(made).journal} == {"/oauth/token", "/oauth/userinfo"}


class TestProxies:
    async def test_plain_http_takes_none(
        self, tmp_path: Path, foreign: Stranger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is said to this machine in the clear does not leave it by a proxy."""
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{foreign.port}")
        for name in OF_VENDORS:
            async with rigging(name)(tmp_path / name) as made:
                await made.register.find_papers(leaver("E1001"))
        assert foreign.received == []
