"""
No connector follows a redirect, to whatever host, and none believes what stands in the answer that is one.

The tenant's server sends us to a stranger; whoever is a stranger writes down what reaches it.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from connectors.activity import Window
from connectors.errors import ConnectorError, OutcomeUnknown, Unintelligible
from emulators.fault_proxy import Fault, Request
from models.vocabulary import (
    Account,
    Entitlement,
    EntitlementKind,
    EntitlementState,
    Receipt,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig, leaver
from tests.contract.stranger import REDIRECTS, Stranger, as_redirect, stranger, with_links
from tests.contract.test_contract import rigging

Verb: TypeAlias = Callable[[Rig, list[Entitlement]], Awaitable[None]]

WHO = "E1001"
SIGN_IN = frozenset({EntitlementKind.SIGN_IN})
TOKENS, BUT_TOKENS = r"/token$", r"^[A-Z]+ (?!\S*/token$)"
DONE = {RevocationResult.COMMANDED, RevocationResult.ALREADY_ABSENT}
WORDS = (
    '{"ok": false, "error": "feature_not_enabled"}',
    '{"ok": false, "error": "users_not_found"}',
    '{"ok": false, "error": "ratelimited"}',
    '{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "detail": "cannot_modify_owner"}',
    '{"error": {"code": "AadPremiumLicenseRequired"}}',
    '{"error": {"code": "Request_ResourceNotFound"}}',
    '{"error": {"code": 404, "errors": [{"reason": "notFound"}]}}',
    '{"error": {"code": 403, "errors": [{"reason": "domainCannotUseApis"}]}}',
    '{"error": "unauthorized_client", "error_codes": [700016]}',
)
"""What the vendors say when a thing is absent, or not on the plan, or to be waited for, or not allowed."""


@pytest.fixture(params=list(Service))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigging(request.param)() as built:
        yield built


@pytest.fixture
def foreign() -> Iterator[Stranger]:
    with stranger() as met:
        yield met


async def tries_probe(rig: Rig, _: list[Entitlement]) -> None:
    """Nothing is promised without a problem."""
    found = await rig.connector.probe()
    assert found.problems
    assert all(ability.problem for ability in found.abilities)


async def tries_find_accounts(rig: Rig, _: list[Entitlement]) -> None:
    raise AssertionError(await rig.connector.find_accounts(leaver(WHO)))


async def tries_list_access(rig: Rig, _: list[Entitlement]) -> None:
    """Every kind that has a way to be read is a row that says that it could not be."""
    kinds = rig.connector.manifest.kinds
    states = {row.kind: row.state for row in await rig.connector.list_access(the_account(rig))}
    unread = dict.fromkeys((kind for kind, line in kinds.items() if line.no_api is None), EntitlementState.UNREADABLE)
    assert states == unread | {kind: EntitlementState.NO_API for kind, line in kinds.items() if line.no_api is not None}


async def tries_freeze(rig: Rig, _: list[Entitlement]) -> None:
    assert_none_done(await rig.connector.freeze(the_account(rig)))


async def tries_revoke(rig: Rig, rows: list[Entitlement]) -> None:
    """Each row on its own: the first that raises says nothing of the others."""
    await one_by_one(rig.connector.revoke, rows)


async def tries_restore(rig: Rig, rows: list[Entitlement]) -> None:
    await one_by_one(lambda row: rig.connector.restore(row, row.prestate), rows)


async def tries_activity(rig: Rig, _: list[Entitlement]) -> None:
    for source in rig.connector.activity_sources:
        with pytest.raises(ConnectorError):
            await rig.connector.activity(the_account(rig), source.name, a_week())


async def one_by_one(verb: Callable[[Entitlement], Awaitable[Receipt]], rows: list[Entitlement]) -> None:
    assert rows
    for row in rows:
        try:
            receipt = await verb(row)
        except ConnectorError:
            continue
        assert_none_done([receipt])


def assert_none_done(receipts: list[Receipt]) -> None:
    assert not [receipt for receipt in receipts if receipt.result in DONE]


def a_week() -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(days=7), now)


def the_account(rig: Rig) -> Account:
    return Account(rig.service, rig.account_id(WHO))


VERBS = (
    tries_probe,
    tries_find_accounts,
    tries_list_access,
    tries_freeze,
    tries_revoke,
    tries_restore,
    tries_activity,
)


def sent_away(rig: Rig, status: int, location: str, body: str = "", match: str = ".") -> None:
    """Let the tenant answer what fits *match* with a redirect, and do nothing."""
    rig.stage.faults[:] = [Fault(match, status=status, body=body, headers={"Location": location}, times=None)]


async def tried(verb: Verb, rig: Rig, rows: list[Entitlement]) -> None:
    """Call the verb: it raises an error of ours, or tells no success."""
    with contextlib.suppress(ConnectorError):
        await verb(rig, rows)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__.removeprefix("tries_"))
class TestEveryVerb:
    async def test_follows_no_redirect(self, rig: Rig, foreign: Stranger, verb: Verb) -> None:
        """A redirect is followed nowhere, by no status: not to another host, not out of https, not to the vendor's own."""
        rows = list(await rig.connector.list_access(the_account(rig)))
        for status, location in itertools.product(REDIRECTS, foreign.addresses()):
            sent_away(rig, status, location)
            await tried(verb, rig, rows)
        assert foreign.received == []
        assert not [request for request in rig.stage.journal if "foreign" in request.path]
        assert rig.changed() == set()

    async def test_believes_no_redirect(self, rig: Rig, foreign: Stranger, verb: Verb) -> None:
        """An answer under a redirect's status is not believed, though word for word it is the tenant's true one."""
        rows = list(await rig.connector.list_access(the_account(rig)))
        rig.stage.app = as_redirect(rig.stage.app, 301, foreign.addresses()[0])
        await tried(verb, rig, rows)
        assert foreign.received == []


class TestReads:
    async def test_a_redirect_has_no_word_of_the_vendors(self, rig: Rig, foreign: Stranger) -> None:
        """What a redirect says of plan, absence or haste is not about the call: it could not be read, with evidence."""
        rows = list(await rig.connector.list_access(the_account(rig), SIGN_IN))
        for words in WORDS:
            sent_away(rig, 302, foreign.addresses()[0], words)
            with pytest.raises(ConnectorError) as raised:
                await rig.connector.find_accounts(leaver(WHO))
            assert (type(raised.value), raised.value.code) == (Unintelligible, None), words
            assert (raised.value.evidence[-1].status, raised.value.evidence[-1].code) == (302, None)
            await tries_list_access(rig, rows)

    async def test_pages_lead_nowhere_else(self, rig: Rig, foreign: Stranger) -> None:
        """Where an answer says that the next page is at another host, nothing is asked there."""
        rig.stage.app = with_links(rig.stage.app, foreign.addresses()[0])
        await rig.connector.list_access(the_account(rig))
        with contextlib.suppress(ConnectorError):  # a page that comes again and again ends as an error: others' test
            await rig.connector.find_accounts(leaver(WHO))
        for source in rig.connector.activity_sources:
            with contextlib.suppress(ConnectorError):
                page = await rig.connector.activity(the_account(rig), source.name, a_week())
                await rig.connector.activity(the_account(rig), source.name, a_week(), page.cursor)
        assert foreign.received == []


class TestWrites:
    async def test_outcome_is_unknown(self, rig: Rig, foreign: Stranger) -> None:
        """A write that is answered by a redirect may have been carried out: it is neither done nor undone, and read back."""
        (row,) = await rig.connector.list_access(the_account(rig), SIGN_IN)
        plain = rig.stage.app
        for status in REDIRECTS:
            rig.stage.app = as_redirect(plain, status, foreign.addresses()[0], BUT_TOKENS)
            with pytest.raises(OutcomeUnknown) as raised:
                await rig.connector.revoke(row)
            assert raised.value.evidence[-1].status == status
            assert rig.changed() == {row.account_id}
        assert foreign.received == []

    async def test_no_refusal_is_taken_from_a_redirect(self, rig: Rig, foreign: Stranger) -> None:
        """A refusal that stands in a redirect is not the vendor's: no receipt is made of it, and no other write tried."""
        (row,) = await rig.connector.list_access(the_account(rig), SIGN_IN)
        for words in WORDS:
            sent_away(rig, 302, foreign.addresses()[0], words, BUT_TOKENS)
            rig.stage.journal.clear()
            with pytest.raises(OutcomeUnknown):
                await rig.connector.revoke(row)
            assert len([request for request in rig.stage.journal if not is_exchange(request)]) == 1, words


class TestSignIn:
    async def test_no_token_from_a_redirect(self, rig: Rig, foreign: Stranger) -> None:
        """Secret and assertion go to one host, and a token under a redirect's status is none, be it a good one."""
        plain = rig.stage.app
        for status in REDIRECTS:
            rig.stage.app = as_redirect(plain, status, foreign.addresses()[0], TOKENS)
            await self.fails_at_the_exchange(rig, status)
        assert foreign.received == []

    async def test_no_word_of_the_authoritys(self, rig: Rig, foreign: Stranger) -> None:
        """A refusal in the place of a token, under a redirect's status, is not the authority's: it is not about our scopes."""
        for words in WORDS:
            sent_away(rig, 302, foreign.addresses()[0], words, TOKENS)
            await self.fails_at_the_exchange(rig, 302)

    async def fails_at_the_exchange(self, rig: Rig, status: int) -> None:
        """Look for accounts: nothing is asked without a token.  A service whose token is given exchanges none."""
        rig.stage.journal.clear()
        errors: list[ConnectorError] = []
        try:
            await rig.connector.find_accounts(leaver(WHO))
        except ConnectorError as error:
            errors.append(error)
        exchanges = [request for request in rig.stage.journal if is_exchange(request)]
        told = [(type(e), e.code, e.evidence[-1].status, e.evidence[-1].code) for e in errors]
        assert told == [(Unintelligible, None, status, None)] * len(exchanges)
        assert not exchanges or exchanges == rig.stage.journal

    async def test_nobody_else_is_asked(self, rig: Rig, foreign: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
        """No name but the tenant's is looked up: no discovery of instances, keys or versions goes elsewhere."""
        asked = watched(monkeypatch)
        await rig.connector.probe()
        await rig.connector.find_accounts(leaver(WHO))
        assert asked <= {"127.0.0.1"}


def watched(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the hosts whose addresses are looked up from now on."""
    asked: set[str] = set()
    look_up = socket.getaddrinfo

    def watch(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.add(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", watch)
    return asked


def is_exchange(request: Request) -> bool:
    return re.search(TOKENS, request.path) is not None
