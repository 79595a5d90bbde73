"""Google Workspace: answers that are not in the words of our own tenant.  None of them is ever "looked, found none"."""

from __future__ import annotations

import json

import pytest

from connectors.errors import Unintelligible
from connectors.google_workspace.manifest import GROUP_READ
from connectors.google_workspace.requests import Requests
from connectors.google_workspace.transport import Request
from emulators.fault_proxy import Fault
from emulators.google_workspace.directory import as_json
from emulators.google_workspace.state import SUPER_ROLE, RoleAssignment
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Guard, RevocationResult, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_google_workspace import rig

K = EntitlementKind
TANAKA = "E1001"
LISTS = {
    K.GRANT: "/tokens",
    K.APP_PASSWORD: "/asps",
    K.BACKUP_CODE: "/verificationCodes",
    K.ROLE: "/roleassignments",
    K.GROUP: "GET /admin/directory/v1/groups",
    K.PASSWORD: "GET /admin/reports",
}


def account(r: Rig, employee_no: str = TANAKA) -> Account:
    person_id = r.account_id(employee_no)
    return Account(Service.GOOGLE_WORKSPACE, person_id, label=r.tenant.users[person_id].email)


async def rows_of(r: Rig, kind: EntitlementKind, who: Account | None = None) -> list[Entitlement]:
    return list(await r.connector.list_access(who or account(r), frozenset({kind})))


def row(r: Rig, kind: EntitlementKind, vendor_id: str) -> Entitlement:
    return Entitlement(Service.GOOGLE_WORKSPACE, r.account_id(TANAKA), kind, vendor_id)


def error(code: int, reason: str, message: str) -> str:
    return f'{{"error":{{"code":{code},"message":"{message}","errors":[{{"reason":"{reason}","domain":"global"}}]}}}}'


class TestWrongNone:
    @pytest.mark.parametrize("kind", list(LISTS))
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (204, ""),
            (202, "{}"),
            (206, "{}"),
            (200, error(403, "forbidden", "m")),
            (200, '{"kind": "x", "resources": [{"id": "1"}]}'),
        ],
        ids=["204", "202", "206", "error", "other key"],
    )
    async def test_not_an_empty_list(self, kind: EntitlementKind, status: int, body: str) -> None:
        """An answer without the list is empty only if it is 200 and has nothing else in it."""
        async with rig() as r:
            r.stage.faults.append(Fault(LISTS[kind], status=status, body=body, times=None))
            assert [e.state for e in await rows_of(r, kind)] == [EntitlementState.UNREADABLE]

    @pytest.mark.parametrize("kind", [K.GRANT, K.APP_PASSWORD, K.BACKUP_CODE, K.GROUP])
    async def test_empty_with_kind_and_etag(self, kind: EntitlementKind) -> None:
        """What stands beside the missing key of an empty collection is no reason to doubt it."""
        async with rig() as r:
            r.stage.faults.append(Fault(LISTS[kind], status=200, body='{"kind": "k", "etag": "e"}', times=None))
            assert await rows_of(r, kind) == []

    @pytest.mark.parametrize("kind", [K.GRANT, K.APP_PASSWORD, K.BACKUP_CODE])
    async def test_more_than_one_page(self, kind: EntitlementKind) -> None:
        """A list that should be whole and has a next page is not whole."""
        async with rig() as r:
            r.stage.faults.append(Fault(LISTS[kind], status=200, body='{"nextPageToken": "2"}', times=None))
            assert [e.state for e in await rows_of(r, kind)] == [EntitlementState.UNREADABLE]

    async def test_pages_without_end(self) -> None:
        """A list that always promises another page, and never a row, is given up."""
        async with rig() as r:
            requests: Requests = r.connector._requests  # type: ignore[attr-defined]  # the room behind the contract
            for n in range(9):
                r.stage.faults.append(Fault("/v1/groups[?]", status=200, body=f'{{"nextPageToken": "{n}"}}'))
            with pytest.raises(Unintelligible, match="more than 5 pages"):
                await requests.transport.pages(_listing(requests, r.account_id(TANAKA)), "groups", [], most=5)


class TestOtherForms:
    async def test_code_id_as_text(self) -> None:
        """The number of an app password may come as a text."""
        async with rig() as r:
            body = '{"items": [{"codeId": "2", "name": "n"}, {"codeId": 1}]}'
            r.stage.faults.append(Fault("GET .*/asps", status=200, body=body, times=None))
            assert [e.vendor_id for e in await rows_of(r, K.APP_PASSWORD)] == ["2", "1"]

    @pytest.mark.parametrize("kind", ['"assigneeType": "GROUP",', '"assigneeType": "group",', ""])
    async def test_assignee_type(self, kind: str) -> None:
        """A role through a group is one however Google spells it, or does not say it."""
        body = f'{{"items": [{{"roleAssignmentId": "1", "roleId": "2", {kind} "assignedTo": "0group"}}]}}'
        async with rig() as r:
            r.stage.faults.append(Fault("/roleassignments", status=200, body=body, times=None))
            assert [e.prestate.get("through_group") for e in await rows_of(r, K.ROLE)] == ["0group"]

    async def test_assignee_is_another_user(self) -> None:
        """An assignment to another user is not taken for one through a group only because it does not say so."""
        async with rig() as r:
            body = f'{{"items": [{{"roleAssignmentId": "1", "roleId": "2", "assignedTo": "{r.account_id("E1002")}"}}]}}'
            r.stage.faults.append(Fault("/roleassignments", status=200, body=body, times=None))
            assert [e.state for e in await rows_of(r, K.ROLE)] == [EntitlementState.UNREADABLE]

    async def test_codes_without_owner(self) -> None:
        """Backup codes that do not name their owner are backup codes; what is asked for is never empty."""
        async with rig() as r:
            body = '{"items": [{"kind": "admin#directory#verificationCode"}]}'
            r.stage.faults.append(Fault("/verificationCodes.*kind", status=200, body=body, times=None))
            assert [e.vendor_id for e in await rows_of(r, K.BACKUP_CODE)] == ["account"]

    @pytest.mark.parametrize("kind", [K.SESSION, K.PASSWORD])
    async def test_renamed_after_the_cut(self, kind: EntitlementKind) -> None:
        """The log keeps the former address: renaming a leaver does not undo what was seen."""
        async with rig() as r:
            (held,) = await rows_of(r, kind)
            await r.connector.revoke(held)
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            (before,) = await rows_of(r, kind)
            user = r.tenant.users[r.account_id(TANAKA)]
            user.aliases.append(user.email)
            user.email = "left-2026@hoshizora.example"
            (after,) = await rows_of(r, kind)
            assert before.ended_at is not None
            assert after.ended_at == before.ended_at

    async def test_super_admin_by_assignment_alone(self) -> None:
        """Where the flag is gone and the assignment is not, it is the assignment that is deleted."""
        async with rig() as r:
            person_id = r.account_id(TANAKA)
            r.tenant.assignments["1"] = RoleAssignment("1", SUPER_ROLE.id, person_id)
            (right,) = [e for e in await rows_of(r, K.ROLE) if e.vendor_id == "super_admin"]
            assert (await r.connector.revoke(right)).result is RevocationResult.COMMANDED
            assert "1" not in r.tenant.assignments
            assert [e for e in await rows_of(r, K.ROLE) if e.vendor_id == "super_admin"] == []


class TestSearchIgnored:
    async def test_last_super_admin(self) -> None:
        """Where a search finds everybody, only super admins count as super admins."""
        async with rig(admin="delegated") as r:
            for user in r.tenant.users.values():
                if user.is_admin and user.id != r.account_id("E1009"):
                    user.is_admin = False
            everybody = json.dumps({"users": [as_json(user) for user in r.tenant.users.values()]})
            r.stage.faults.append(Fault("query=isAdmin", status=200, body=everybody, times=None))
            (sign_in,) = await rows_of(r, K.SIGN_IN, account(r, "E1009"))
            assert sign_in.guard is Guard.LAST_ADMIN

    async def test_last_owner(self) -> None:
        """Where all members are given for the owners, only owners count as owners."""
        async with rig() as r:
            group = next(group for group in r.tenant.groups.values() if group.name == "price-list")
            members = json.dumps({"members": [{"id": m, "role": role} for m, role in group.members.items()]})
            r.stage.faults.append(Fault(f"/{group.id}/members[?].*roles=OWNER", status=200, body=members))
            seen = {e.label.partition("@")[0]: e.guard for e in await rows_of(r, K.GROUP)}
            assert seen["price-list"] is Guard.LAST_OWNER


class TestSearchRefused:
    @pytest.mark.parametrize("field", ["email", "externalId"])
    async def test_everybody_is_read(self, field: str) -> None:
        """A search that the directory does not take is made up for by everybody, read to the last page."""
        async with rig(page_size=3) as r:
            everywhere = {m.account.id: m.reason for m in await r.connector.find_accounts(leaver("E1007"))}
            body = error(400, "invalid", "Invalid Input: query")
            r.stage.faults.append(Fault(f"query={field}", status=400, body=body, times=None))
            found = {m.account.id: m.reason for m in await r.connector.find_accounts(leaver("E1007"))}
            assert found.items() >= everywhere.items()

    async def test_and_that_is_refused_too(self) -> None:
        """If everybody cannot be read either, nothing is returned."""
        async with rig() as r:
            r.stage.faults.append(Fault("/users[?]", status=400, body=error(400, "invalid", "m"), times=None))
            with pytest.raises(Unintelligible):
                await r.connector.find_accounts(leaver("E1007"))


def _listing(requests: Requests, key: str) -> Request:
    return Request("list groups", GROUP_READ, lambda token: requests.groups.list(userKey=key, pageToken=token))
