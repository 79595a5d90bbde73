"""Google Workspace: whose account is it?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from connectors.errors import Unintelligible, Unreachable
from connectors.google_workspace.directory import Directory, quoted
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.requests import Requests
from emulators.fault_proxy import Fault
from emulators.google_workspace.state import User, user_id
from models.vocabulary import (
    Account,
    AccountKind,
    ComparisonResult,
    EntitlementKind,
    Fact,
    Leaver,
    MatchReason,
    Service,
)
from tests.contract.rig import leaver
from tests.contract.rig_google_workspace import rig


class TestFindAccounts:
    @pytest.mark.parametrize(
        "employee_no", ["E1001", "E1002", "E1003", "E1005", "E1011", "E1012", "E1013", "E1014", "E1015", "E1016"]
    )
    async def test_employee_number(self, employee_no: str) -> None:
        """The account with the leaver's employee number comes first, for every name that code forgets."""
        async with rig(page_size=1) as r:
            first = (await r.connector.find_accounts(leaver(employee_no)))[0]
            assert (first.account.id, first.reason) == (r.account_id(employee_no), MatchReason.EMPLOYEE_NO)
            assert list(first.says.values()).count(ComparisonResult.FACT) >= 2

    async def test_namesake(self) -> None:
        """The other person of the same name is shown, with the number that contradicts."""
        async with rig() as r:
            r.tenant.users[r.account_id("E1002")].given = r.tenant.users[r.account_id("E1003")].given = "健"
            r.tenant.users[r.account_id("E1002")].family = r.tenant.users[r.account_id("E1003")].family = "佐藤"
            found = {m.account.id: m for m in await r.connector.find_accounts(leaver("E1002"))}
            assert found[r.account_id("E1002")].says == dict.fromkeys(
                (Fact.NUMBER, Fact.ADDRESS, Fact.NAME), ComparisonResult.FACT
            )
            other = found[r.account_id("E1003")]
            assert (other.reason, other.says[Fact.NUMBER]) == (MatchReason.NAME, ComparisonResult.CONTRADICTION)

    async def test_no_number(self) -> None:
        """Without an employee number in the directory the primary address is a fact, and an alias none."""
        async with rig() as r:
            r.tenant.users[r.account_id("E1002")].employee_no = ""
            who = leaver("E1002")
            first = (await r.connector.find_accounts(who))[0]
            assert (first.reason, first.says[Fact.ADDRESS]) == (MatchReason.EMAIL, ComparisonResult.FACT)
            first = (await r.connector.find_accounts(replace(who, email="K.Sato@hoshizora.example")))[0]
            assert (first.reason, first.says[Fact.ADDRESS]) == (MatchReason.ALIAS, ComparisonResult.NEITHER)

    async def test_former_name(self) -> None:
        """A directory that still has the former name is found by it."""
        async with rig() as r:
            user: User = r.tenant.users[r.account_id("E1005")]
            user.employee_no, user.email, user.aliases = "", "unrelated@hoshizora.example", []
            user.family, user.given = "渡辺", "由美"
            found = {m.account.id: m.reason for m in await r.connector.find_accounts(leaver("E1005"))}
            assert found[user.id] is MatchReason.FORMER_NAME

    @pytest.mark.parametrize(
        ("family", "given"),
        [("Tanaka", "Misaki"), ("Misaki", "TANAKA"), ("田中", "美咲"), ("美咲", "田中"), ("タナカ", "ミサキ")],
    )
    async def test_scripts_and_order(self, family: str, given: str) -> None:
        """Kanji, kana or romaji, in either order, is the same name."""
        async with rig() as r:
            user: User = r.tenant.users[r.account_id("E1001")]
            user.employee_no, user.email, user.family, user.given = "", "x@hoshizora.example", family, given
            found = {m.account.id: m.reason for m in await r.connector.find_accounts(leaver("E1001"))}
            assert found[user.id] in {MatchReason.NAME, MatchReason.ADMIN_TWIN}

    async def test_admin_twin(self) -> None:
        """An administrator's second account is found, and told as one for administration."""
        async with rig() as r:
            found = {m.account.id: m for m in await r.connector.find_accounts(leaver("E1007"))}
            twin = found[user_id("adm-sho.ito")]
            assert (twin.reason, twin.account.kind) == (MatchReason.ADMIN_TWIN, AccountKind.ADMIN)
            assert twin.for_administration
            assert not found[r.account_id("E1007")].for_administration

    @pytest.mark.parametrize("state", ["suspended", "archived"])
    async def test_inactive(self, state: str) -> None:
        """Accounts that are blocked already are found, and said to be."""
        async with rig() as r:
            setattr(r.tenant.users[r.account_id("E1001")], state, True)
            first = (await r.connector.find_accounts(leaver("E1001")))[0]
            assert (first.account.id, first.account.active) == (r.account_id("E1001"), False)

    async def test_guest(self) -> None:
        """A guest user of the tenant is told as one; somebody without an account has none."""
        async with rig() as r:
            r.tenant.users[r.account_id("E1001")].is_guest = True
            assert (await r.connector.find_accounts(leaver("E1001")))[0].account.kind is AccountKind.GUEST
            assert await r.connector.find_accounts(leaver("X2001")) == []

    async def test_one_search_fails(self) -> None:
        """If one search, or the directory, could not be read whole, nothing is returned."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(Fault("/users[?].*pageToken", status=500, body="{}", times=None))
            with pytest.raises(Unreachable):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_too_many(self) -> None:
        """A search that finds more people than anybody could weigh is an error, not a cut-off list."""
        rows = ",".join('{"id": "1", "primaryEmail": "a@b.example"}' for _ in range(6000))
        body = f'{{"users": [{rows}], "nextPageToken": "more"}}'
        async with rig() as r:
            r.stage.faults.append(Fault("query=externalId", status=200, body=body))
            with pytest.raises(Unintelligible, match="more than 5000"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_bounded(self) -> None:
        """One search for the number, one for each address; the directory is read once for all leavers, in pages of 500."""
        async with rig() as r:
            for number in ("E1012", "E1001", "E1010"):
                await r.connector.find_accounts(leaver(number))
            asked = [q.query for q in r.stage.journal if q.path == "/admin/directory/v1/users"]
            assert len([q for q in asked if "query=" not in q]) == 1
            assert len(asked) == 1 + 2 + 3 + 3

    async def test_an_account_younger_than_the_snapshot(self) -> None:
        """Number and addresses are searched for afresh: an account made a moment ago is found."""
        async with rig() as r:
            await r.connector.find_accounts(leaver("E1001"))
            new = replace(r.tenant.users[r.account_id("E1001")], id="1" * 21, email="new@hoshizora.example", aliases=[])
            r.tenant.users[new.id] = new
            found = {m.account.id: m.says for m in await r.connector.find_accounts(leaver("E1001"))}
            assert found[new.id][Fact.NUMBER] is ComparisonResult.FACT

    async def test_odd_entries(self) -> None:
        """Entries without a name, with odd external ids and contacts, are weighed by what they have."""
        body = (
            '{"users": [{"id": "1", "primaryEmail": "a@hoshizora.example", "name": null, "externalIds": "E1001", "emails":'
            '[{"address": "misaki.t.0412@mail.example", "type": "home"}, {"address": "misaki.tanaka@hoshizora.example",'
            '"type": "work"}, 7]}, {"id": "2", "primaryEmail": "b@hoshizora.example", "externalIds":'
            '[{"value": "E1001", "type": "network"}, {"type": "organization"}]}]}'
        )
        async with rig() as r:
            r.stage.faults.append(Fault("GET /admin/directory/v1/users", status=200, body=body, times=None))
            found = await r.connector.find_accounts(leaver("E1001"))
            assert [(m.account.id, m.reason) for m in found] == [("1", MatchReason.OTHER_EMAIL)]


class TestNumberField:
    ROW: ClassVar[dict[str, object]] = {
        "externalIds": [
            {"value": "N1", "type": "network"},
            {"value": "E1001", "type": "organization"},
            {"value": "C7", "type": "custom", "customType": "社員番号"},
        ],
        "customSchemas": {"HR": {"no": 42}},
    }

    @pytest.mark.parametrize(
        ("place", "number", "searched_as"),
        [
            ("externalIds.organization", "E1001", "externalId"),
            ("externalIds.network", "N1", "externalId"),
            ("externalIds.custom:社員番号", "C7", "externalId"),
            ("customSchemas.HR.no", "42", "HR.no"),
            ("customSchemas.Other.no", None, "Other.no"),
            ("none", None, None),
        ],
    )
    def test_where_the_setting_says(self, place: str, number: str | None, searched_as: str | None) -> None:
        """The number is read, and searched for, where the setting says that this tenant keeps it."""
        field = NumberField(place)
        assert (field.read(dict(self.ROW)), field.searched_as) == (number, searched_as)

    def test_a_place_that_is_none(self) -> None:
        """A typing error in the setting stops the start."""
        with pytest.raises(ValueError, match=r"externalIds\.TYPE"):
            NumberField("externalId")

    async def test_custom_schema_is_asked_for(self) -> None:
        """A custom schema is read by name, with the directory and with one user."""
        async with rig(number_field="customSchemas.HR.no") as r:
            await r.connector.find_accounts(leaver("E1001"))
            await r.connector.list_access(
                Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001")), frozenset({EntitlementKind.RECOVERY})
            )
            read = [q.query for q in r.stage.journal if "/users" in q.path]
            assert all("customFieldMask=HR" in query and "projection=custom" in query for query in read)


class TestQueries:
    def test_quoting(self) -> None:
        """Quotes and backslashes in names stay inside the value."""
        assert quoted("sean.o'brien") == r"'sean.o\'brien'"
        assert quoted("a\\b") == r"'a\\b'"

    def test_no_names(self) -> None:
        """A notice with little in it still searches by number."""
        assert queries_of(Leaver("E1", " ")) == ["externalId='E1'"]
        assert queries_of(Leaver("E1", "x", "A@x.example", ("b@x.example",)), "none") == [
            "email='a@x.example'", "email='b@x.example'",
        ]  # fmt: skip


def queries_of(who: Leaver, place: str = "externalIds.organization") -> list[str]:
    """Return the searches by key; nothing is sent."""
    return Directory(Requests.__new__(Requests), NumberField(place)).queries(who)
