"""Whose Slack account is it: the search, its pages and its traps."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError, Denied, Unintelligible
from connectors.slack.directory import quoted
from connectors.slack.people import account_of, flags, is_deleted
from emulators.fault_proxy import Fault
from emulators.slack.state import slack_id
from models.vocabulary import (
    Account,
    AccountKind,
    ComparisonResult,
    EntitlementKind,
    EntitlementState,
    Fact,
    Leaver,
    MatchReason,
    Service,
)
from tests.contract.rig import Rig, leaver
from tests.contract.rig_slack import rig


async def found(r: Rig, employee_no: str) -> dict[str, MatchReason]:
    """Return the reasons by account id."""
    return {m.account.id: m.reason for m in await r.connector.find_accounts(leaver(employee_no))}


class TestFindAccounts:
    async def test_employee_number(self) -> None:
        """SCIM's employee number is a fact, and against a namesake with another one it speaks."""
        async with rig(page_size=7) as r:
            says = {m.account.id: m.says for m in await r.connector.find_accounts(leaver("E1002"))}
            assert {its: said[Fact.NUMBER] for its, said in says.items()} == {
                r.account_id("E1002"): ComparisonResult.FACT,
                r.account_id("E1003"): ComparisonResult.CONTRADICTION,
            }

    async def test_numbers_that_are_not_hrs(self) -> None:
        """Where the setting says that SCIM's numbers are none, they are silent."""
        async with rig(settings={"number_field": "none"}) as r:
            says = {m.account.id: m.says for m in await r.connector.find_accounts(leaver("E1002"))}
            assert all(Fact.NUMBER not in said for said in says.values())

    async def test_namesake_without_numbers(self) -> None:
        """Where nobody's number is known, both namesakes are found by name alone, and neither has two facts."""
        async with rig(plan="pro") as r:
            matches = await r.connector.find_accounts(leaver("E1002"))
            assert {m.account.id for m in matches} == {r.account_id("E1002"), r.account_id("E1003")}
            assert {m.reason for m in matches} == {MatchReason.NAME}
            assert all(list(m.says.values()).count(ComparisonResult.FACT) < 2 for m in matches)

    async def test_display_names_are_nicknames(self) -> None:
        """What somebody likes to be called speaks against nobody."""
        async with rig(plan="pro") as r:
            member = r.tenant.members[r.account_id("E1001")]
            member.real_name, member.display_name = "", "Sales Queen"
            match = (await r.connector.find_accounts(leaver("E1001")))[0]
            assert dict(match.says) == {Fact.ADDRESS: ComparisonResult.FACT}

    async def test_alias(self) -> None:
        """An address that HR knows only as a further one finds the account that has it."""
        async with rig(plan="pro") as r:
            person = Leaver("E1002", "佐藤 健", "ken.sato@hoshizora.example", ("k.sato@hoshizora.example",))
            matches = await r.connector.find_accounts(person)
            assert (matches[0].account.id, matches[0].reason) == (r.account_id("E1002"), MatchReason.OTHER_EMAIL)

    async def test_former_name(self) -> None:
        """Slack still has the former name and its address: without a number a person is asked."""
        async with rig(employee_numbers=False) as r:
            matches = await r.connector.find_accounts(leaver("E1005"))
            assert [(m.account.id, m.reason) for m in matches] == [(r.account_id("E1005"), MatchReason.FORMER_NAME)]

    async def test_guest(self) -> None:
        """A guest is found by the partner's address, and is known as a guest even when deactivated."""
        async with rig() as r:
            for _ in range(2):
                match = (await r.connector.find_accounts(leaver("X2001")))[0]
                assert (match.account.id, match.account.kind) == (r.account_id("X2001"), AccountKind.GUEST)
                r.tenant.deactivate(r.tenant.members[match.account.id], "console")

    async def test_deactivated(self) -> None:
        """A deactivated account is found, though Slack's search by address denies it."""
        async with rig(plan="pro") as r:
            member = r.tenant.members[r.account_id("E1001")]
            r.tenant.deactivate(member, "console")
            match = (await r.connector.find_accounts(leaver("E1001")))[0]
            assert (match.account.id, match.account.active, match.reason) == (member.id, False, MatchReason.EMAIL)

    async def test_stranger_and_bots(self) -> None:
        """Another organisation's person of the same name, and bots, are nobody's account here."""
        async with rig(plan="pro") as r:
            ids = set(await found(r, "E1001"))
            assert ids == {r.account_id("E1001")}
            assert slack_id("U", "stranger") in r.tenant.members

    async def test_second_search_shares_the_snapshot(self) -> None:
        """Twenty listings a minute are all there are: many leavers are looked for in one snapshot."""
        async with rig() as r:
            for number in ("E1001", "E1002", "E1010"):
                await r.connector.find_accounts(leaver(number))
            listings = [q for q in r.stage.journal if q.path == "/api/users.list"]
            assert len(listings) == 2  # one per workspace

    async def test_newcomer_since_the_snapshot(self) -> None:
        """An address is asked for afresh each time, so that an account younger than the snapshot is found."""
        async with rig(employee_numbers=False) as r:
            member = r.tenant.members.pop(r.account_id("E1012"))
            assert await found(r, "E1012") == {}
            r.tenant.members[member.id] = member
            assert await found(r, "E1012") == {member.id: MatchReason.EMAIL}

    async def test_lookup_refused_for_organisation_tokens(self) -> None:
        """That the search by address is refused proves nothing: the listing still finds the person."""
        async with rig(lookup_restricted=True) as r:
            assert await found(r, "E1001") == {r.account_id("E1001"): MatchReason.EMPLOYEE_NO}

    @pytest.mark.parametrize(
        "path", [r"/api/users\.list", r"/scim/v2/Users\?", "/api/admin.teams.list", "lookupByEmail"]
    )
    async def test_failing_page(self, path: str) -> None:
        """A directory that could not be read whole is an error, never a shorter list."""
        async with rig(page_size=1 if "teams" in path else 20) as r:
            r.stage.faults.append(Fault(path, status=503, skip=0 if "lookup" in path else 1, times=None))
            with pytest.raises(ConnectorError):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_missing_scope(self) -> None:
        """Without the scope to list people the search is denied, naming the scope."""
        async with rig(missing_scopes=frozenset({"users:read"})) as r:
            with pytest.raises(Denied, match=r"needs users:read\)"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_empty_page_is_not_the_end(self) -> None:
        """A page without entries that names a next one is followed."""
        async with rig(plan="pro", page_size=30) as r:
            body = '{"ok":true,"members":[],"response_metadata":{"next_cursor":"MA=="}}'
            r.stage.faults.append(Fault(r"users\.list", status=200, body=body))
            assert await found(r, "E1001") == {r.account_id("E1001"): MatchReason.EMAIL}

    async def test_repeated_cursor(self) -> None:
        """A listing that leads back to itself is not understood, and not walked for ever."""
        async with rig(plan="pro") as r:
            body = '{"ok":true,"members":[],"response_metadata":{"next_cursor":"MA=="}}'
            r.stage.faults.append(Fault(r"users\.list", status=200, body=body, times=None))
            with pytest.raises(Unintelligible, match="same page again"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_scim_short_of_its_total(self) -> None:
        """SCIM that stops before its own total has not been read whole."""
        async with rig() as r:
            body = '{"totalResults":60,"itemsPerPage":0,"startIndex":1,"Resources":[]}'
            r.stage.faults.append(Fault(r"GET /scim/v2/Users\?", status=200, body=body))
            with pytest.raises(Unintelligible, match="fewer"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_hostile_address(self) -> None:
        """Quotes and backslashes in an address end no filter: it is searched for as it is, and nobody has it."""
        async with rig() as r:
            hostile = Leaver("E9999", "nobody", 'x"\\ or email co "a@hoshizora.example')
            assert await r.connector.find_accounts(hostile) == []
            assert quoted('a"b\\') == '"a\\"b\\\\"'


class TestAnotherOnesId:
    @pytest.mark.parametrize("bad", ["", "u123", "U1/../../v2/Users/U2", "B0123", "U0É123"])
    async def test_ids_are_checked(self, bad: str) -> None:
        """What is no id of a person at Slack goes into no path: its access is unreadable, and nothing is asked."""
        async with rig(plan="pro") as r:
            listed = await r.connector.list_access(Account(Service.SLACK, bad))
            assert {row.state for row in listed if row.kind is EntitlementKind.SIGN_IN} == {EntitlementState.UNREADABLE}
            assert bad == "" or not any(bad in one.path for one in r.stage.journal)

    async def test_another_one_answers(self) -> None:
        """An answer about another account is not understood."""
        async with rig(plan="pro") as r:
            body = '{"ok":true,"user":{"id":"U0OTHER","deleted":true}}'
            r.stage.faults.append(Fault(r"users\.info", status=200, body=body, times=None))
            account = Account(Service.SLACK, r.account_id("E1001"))
            (row,) = await r.connector.list_access(account, frozenset({EntitlementKind.SIGN_IN}))
            assert (row.state, "not about" in (row.problem or "")) == (EntitlementState.UNREADABLE, True)


class TestReadingAUser:
    def test_flags_after_deactivation_are_unknown(self) -> None:
        """A flag that is missing is unknown, which is not the same as no."""
        assert flags({"id": "U01", "deleted": True}) == {}
        assert flags({"id": "U01", "is_admin": False}) == {"is_admin": False}

    def test_without_word_of_deletion(self) -> None:
        """An answer that does not say whether the account is deleted says nothing."""
        with pytest.raises(Unintelligible):
            is_deleted({"id": "U01"})

    def test_known_to_scim_alone(self) -> None:
        """A person without a workspace is in SCIM alone, and an account all the same."""
        account = account_of(None, {"id": "W01", "userName": "alone", "active": True})
        assert (account.id, account.label, account.active) == ("W01", "alone", True)
