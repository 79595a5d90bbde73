"""What every connector keeps, whatever its service: run over each of them on its emulated tenant."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from connectors.contract import Connector, Listing
from connectors.errors import ConnectorError
from connectors.kit.limits import Limit, OwnLedger, Rank
from emulators.company import PEOPLE
from emulators.fault_proxy import Fault
from models.vocabulary import (
    AccountKind,
    ComparisonResult,
    ConnectionId,
    EntitlementKind,
    EntitlementState,
    Evidence,
    Leaver,
    Match,
    MatchReason,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig, Rigging, account_of, leaver

CHARACTERS = [
    "E1001",
    "E1002",
    "E1003",
    "E1004",
    "E1005",
    "E1007",
    "E1010",
    "E1011",
    "E1012",
    "E1013",
    "E1014",
    "E1015",
    "E1016",
]


def two_facts(match: Match) -> bool:
    """Whether the match alone makes the account the leaver's."""
    said = list(match.says.values())
    return (
        said.count(ComparisonResult.FACT) > 1
        and ComparisonResult.CONTRADICTION not in said
        and not match.for_administration
    )


def rigging(service: Service) -> Rigging:
    """The service's rig: one line to add for a new service is its file."""
    build: Rigging = importlib.import_module(f"tests.contract.rig_{service}").rig
    return build


@pytest.fixture(params=list(Service))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with rigging(request.param)(page_size=1) as built:
        yield built


def closable(listing: Listing) -> list[EntitlementKind]:
    """The kinds of the rows that stand for one open entitlement."""
    return [row.kind for row in listing if row.vendor_id != "*" and row.guard is None]


class TestManifest:
    def test_names_scopes_and_a_source_for_each_kind(self, rig: Rig) -> None:
        """Least privilege is data: a kind that can be listed or revoked names the scopes that it needs."""
        for line in rig.connector.manifest.kinds.values():
            assert line.no_api is not None or line.read_scopes, line.kind

    async def test_probe_says_for_each_kind_whether_it_can_be_listed(self, rig: Rig) -> None:
        """A probe with full rights finds every kind of the manifest, and whose credentials these are."""
        capabilities = await rig.connector.probe()
        assert {ability.kind for ability in capabilities.abilities} == set(rig.connector.manifest.kinds)
        for ability in capabilities.abilities:
            assert (ability.can_list and ability.can_revoke) or ability.problem, ability.kind

    async def test_a_probe_changes_nothing(self, rig: Rig) -> None:
        """Looking at what we may do does nothing."""
        await rig.connector.probe()
        assert rig.changed() == set()


class TestFindAccounts:
    @pytest.mark.parametrize("employee_no", CHARACTERS)
    async def test_whoever_is_sure_is_the_leaver(self, rig: Rig, employee_no: str) -> None:
        """No other person's account is ever found with two facts and no contradiction."""
        matches = await rig.connector.find_accounts(leaver(employee_no))
        assert {match.account.id for match in matches if two_facts(match)} == {rig.account_id(employee_no)}

    async def test_a_namesake_is_shown_and_never_sure(self, rig: Rig) -> None:
        """The namesake appears beside the leaver, so that a person can see both."""
        matches = {m.account.id: m for m in await rig.connector.find_accounts(leaver("E1002"))}
        other = matches.get(rig.account_id("E1003"))
        assert other is None or not two_facts(other)
        assert rig.account_id("E1002") in matches

    async def test_a_guest_is_found_by_the_outside_address(self, rig: Rig) -> None:
        """A guest's account is found, as a guest, where the service has one."""
        person = next(p for p in PEOPLE if p.employee_no == "X2001")
        matches = await rig.connector.find_accounts(leaver("X2001"))
        if rig.service not in person.only_in:
            assert matches == []
        else:
            assert [m.account.kind for m in matches] == [AccountKind.GUEST]

    async def test_an_admin_twin_is_asked_about(self, rig: Rig) -> None:
        """The leaver's second, privileged account is found, and told as one for administration."""
        matches = await rig.connector.find_accounts(leaver("E1007"))
        twins = [m for m in matches if m.reason is MatchReason.ADMIN_TWIN]
        assert bool(twins) == (rig.service is not Service.SLACK)
        assert all(m.for_administration for m in twins)

    async def test_a_directory_says_whether_its_numbers_are_hrs(self, rig: Rig) -> None:
        """Of the people known by their addresses, all bear the number that HR has, and none one of another scheme."""
        people = [leaver(p.employee_no) for p in PEOPLE if p.employee_no and not p.guest]
        found = await rig.connector.numbers(people)
        assert found.compared > 50
        assert found.agreed == found.compared
        others = [replace(person, employee_no=f"Z{n}") for n, person in enumerate(people)]
        assert (await rig.connector.numbers(others)).agreed == 0

    async def test_an_address_of_another_service_finds_its_account(self, rig: Rig) -> None:
        """An address that stands in an accepted account elsewhere finds its account here, and the vendor is not asked again."""
        who = Leaver("Z9", "誰 か", "nobody@elsewhere.example")
        await rig.connector.find_accounts(who)
        account = await account_of(rig, "E1010")
        asked = len(rig.stage.journal)
        found = await rig.connector.find_at(who, [account.label])
        assert [(m.account.id, m.reason) for m in found] == [(account.id, MatchReason.OTHER_EMAIL)]
        assert len(rig.stage.journal) == asked

    async def test_a_blocked_account_is_found_again(self, rig: Rig) -> None:
        """Somebody whose account is blocked already is found, so that nobody is declared clean for being blocked."""
        account = await account_of(rig, "E1001")
        for row in await rig.connector.list_access(account, frozenset({EntitlementKind.SIGN_IN})):
            await rig.connector.revoke(row)
        matches = await rig.connector.find_accounts(leaver("E1001"))
        assert account.id in {m.account.id for m in matches}


class TestListAccess:
    async def test_is_whole_at_any_page_size(self, rig: Rig) -> None:
        """At one entry a page, the listing is what the tenant truly grants, and its evidence shows the look."""
        account = await account_of(rig, "E1001")
        listing = await rig.connector.list_access(account)
        assert {row.id for row in listing if row.vendor_id != "*"} == rig.held(account.id)
        for kind in {row.kind for row in listing if row.state is EntitlementState.FOUND}:
            assert listing.evidence[kind]

    async def test_a_read_back_of_the_block_costs_little(self, rig: Rig) -> None:
        """Reading back one kind costs that kind's requests, not those of a whole inventory."""
        account = await account_of(rig, "E1001")
        kinds = frozenset({EntitlementKind.SIGN_IN})
        for row in await rig.connector.list_access(account, kinds):
            await rig.connector.revoke(row)
        rig.stage.journal.clear()
        await rig.connector.list_access(account, kinds)
        assert len(rig.stage.journal) <= 3

    async def test_evidence_names_no_person(self, rig: Rig) -> None:
        """What is recorded of an exchange holds ids, never an address or a name."""
        account = await account_of(rig, "E1001")
        listing = await rig.connector.list_access(account)
        for exchanges in listing.evidence.values():
            for exchange in exchanges:
                assert "@" not in exchange.what
                assert "tanaka" not in exchange.what.lower()
                assert exchange.response_sha256
                assert exchange.sent_at <= exchange.received_at


def asked_of(rig: Rig) -> Counter[tuple[str, ...]]:
    """The requests that the tenant got, as it saw them: each path with its parameters, of a form as well."""
    got = [one for one in rig.stage.journal if not one.path.endswith(("/$batch", "/token"))]
    return Counter(parameters(one.path, one.query or one.body.decode()) for one in got)


def told_by(exchanges: Iterable[Evidence]) -> Counter[tuple[str, ...]]:
    """The same as the evidence tells it.  Of Graph it names no version."""
    paths = (("/v1.0" * ("client-request-id" in one.what) + one.what.split(" ")[1], one.query) for one in exchanges)
    return Counter(parameters(path, query) for path, query in paths if query is not None)


def parameters(path: str, query: str) -> tuple[str, ...]:
    return path, *(f"{name}={value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True)))


LAST_OF_A_SEARCH = {
    Service.GOOGLE_WORKSPACE: r"GET /admin/directory/v1/users\?.*externalId",
    Service.MICROSOFT365: r"GET /v1.0/users\?.*skiptoken",
    Service.SLACK: r"/api/users.lookupByEmail",
}


class TestQueries:
    """What was asked for is kept, parameter by parameter, so that somebody can judge whether a listing could be whole."""

    async def test_of_a_search_are_those_that_the_vendor_got(self, rig: Rig) -> None:
        """The pages of the directory, too, and how many accounts those had; the next search in the same snapshot rests on them as well."""
        who = leaver("E1001")
        first = await rig.connector.find_accounts(who)
        got = asked_of(rig)
        assert told_by(first.evidence) == got
        assert any(str(who.email) in parameter for _, *all_of_it in got for parameter in all_of_it)
        assert first.looked_through >= len(CHARACTERS)
        rig.stage.journal.clear()
        second = await rig.connector.find_accounts(leaver("E1002"))
        assert told_by(second.evidence) > asked_of(rig), "less than it rests on"
        assert {*second.evidence} & {*first.evidence}
        assert second.looked_through == first.looked_through

    async def test_of_a_search_that_failed_are_those_that_the_vendor_got(self, rig: Rig) -> None:
        """Each try, and what had been read until then: what could not be seen is judged by it as well."""
        rig.stage.faults.append(Fault(LAST_OF_A_SEARCH[rig.service], status=503, times=None))
        with pytest.raises(ConnectorError) as raised:
            await rig.connector.find_accounts(leaver("E1001"))
        assert told_by(raised.value.evidence) == asked_of(rig)

    async def test_of_a_listing_are_those_that_the_vendor_got(self, rig: Rig) -> None:
        account = await account_of(rig, "E1001")
        await rig.connector.probe()  # who we are ourselves is asked once, and is no listing's
        rig.stage.journal.clear()
        listing = await rig.connector.list_access(account)
        told = told_by({one for exchanges in listing.evidence.values() for one in exchanges})
        assert told == asked_of(rig)

    async def test_of_a_write_are_none(self, rig: Rig) -> None:
        """What is written may be a password."""
        account = await account_of(rig, "E1001")
        writes = 0
        for row in await rig.connector.list_access(account):
            if row.state is EntitlementState.FOUND and not row.by_hand:
                exchanges = (await rig.connector.revoke(row)).evidence
                reads = [one for one in exchanges if one.query is not None]
                assert all(re.match(r"GET |POST /api/[a-zA-Z.]+\.(list|info)", one.what) for one in reads), reads
                writes += len(exchanges) - len(reads)
        assert writes


class TestRevoke:
    async def test_is_seen_by_a_fresh_read(self, rig: Rig) -> None:
        """Each revocable row is commanded with evidence, and the sign-in block is seen by another read."""
        account = await account_of(rig, "E1001")
        before = await rig.connector.list_access(account)
        sign_in = next(row for row in before if row.kind is EntitlementKind.SIGN_IN)
        receipt = await rig.connector.revoke(sign_in)
        assert receipt.result is RevocationResult.COMMANDED
        assert receipt.evidence
        after = await rig.connector.list_access(account, frozenset({EntitlementKind.SIGN_IN}))
        assert list(after) == []

    async def test_twice(self, rig: Rig) -> None:
        """Revoking again changes nothing and says so, with evidence."""
        account = await account_of(rig, "E1001")
        kinds = frozenset({EntitlementKind.GROUP})
        row = next(r for r in await rig.connector.list_access(account, kinds) if r.guard is None and r.vendor_id != "*")
        first = await rig.connector.revoke(row)
        again = await rig.connector.revoke(row)
        assert first.result is RevocationResult.COMMANDED
        assert again.result in {RevocationResult.ALREADY_ABSENT, RevocationResult.COMMANDED}
        assert again.evidence
        assert row.id not in {r.id for r in await rig.connector.list_access(account, kinds)}

    @pytest.mark.parametrize("employee_no", ["E1002", "E1005", "E1007"])
    async def test_reaches_nobody_else(self, rig: Rig, employee_no: str) -> None:
        """Everything taken away from one person changes no other account: no namesake, no twin, no colleague."""
        account = await account_of(rig, employee_no)
        await rig.connector.freeze(account)
        rows = sorted(
            await rig.connector.list_access(account), key=lambda row: rig.connector.manifest.kinds[row.kind].order
        )
        for row in rows:
            if row.vendor_id != "*" and row.guard is None and not rig.connector.manifest.kinds[row.kind].frozen:
                await rig.connector.revoke(row)
        assert rig.changed() == {account.id}


class TestRestore:
    async def test_lifts_the_block(self, rig: Rig) -> None:
        """A wrong cut is undone, and a fresh read shows the sign-in again."""
        account = await account_of(rig, "E1001")
        kinds = frozenset({EntitlementKind.SIGN_IN})
        (row,) = await rig.connector.list_access(account, kinds)
        await rig.connector.revoke(row)
        receipt = await rig.connector.restore(row, row.prestate)
        assert receipt.result is RevocationResult.COMMANDED
        assert [r.kind for r in await rig.connector.list_access(account, kinds)] == [EntitlementKind.SIGN_IN]


class TestLimits:
    async def test_calls_of_a_bucket_are_urgent(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """All ranks share a bucket, since only what is urgent draws on one: each row with a bucket is a limit of writes."""
        taken = set[tuple[str, Rank]]()
        take = OwnLedger.take

        async def noted(
            self: OwnLedger, connection: ConnectionId, limit: Limit, calls: int, rank: Rank
        ) -> tuple[float, float]:
            if limit.bucket is not None:
                taken.add((limit.name, rank))
            return await take(self, connection, limit, calls, rank)

        monkeypatch.setattr(OwnLedger, "take", noted)
        await rig.connector.probe()
        account = await account_of(rig, "E1001")
        rows = await rig.connector.list_access(account)
        for row in rows:
            if row.vendor_id != "*" and row.guard is None:
                await rig.connector.revoke(row)
        sign_in = next(row for row in rows if row.kind is EntitlementKind.SIGN_IN)
        await rig.connector.restore(sign_in, sign_in.prestate)
        limits = importlib.import_module(f"connectors.{rig.service}.limits").LIMITS
        assert taken == {(limit.name, Rank.URGENT) for limit in limits if limit.bucket is not None}


def test_each_connector_keeps_the_protocol(rig: Rig) -> None:
    """The type checker holds the connectors to the contract; this holds the rig to the connector."""
    connector: Connector = rig.connector
    assert connector.service is rig.service
