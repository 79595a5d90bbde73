"""Google Workspace: answers that are not in the words of our own tenant.  None of them is ever "looked, found none"."""

from __future__ import annotations

import pytest

from connectors.errors import Unintelligible
from connectors.google_workspace.directory import Directory
from connectors.google_workspace.manifest import GROUP_READ
from connectors.google_workspace.transport import Ask
from emulators.stage import Fault
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Service
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import rig

K = EntitlementKind
TANAKA = "E1001"
LISTS = {
    K.GRANT: "/tokens",
    K.APP_PASSWORD: "/asps",
    K.BACKUP_CODE: "/verificationCodes",
    K.ROLE: "/roleassignments",
    K.GROUP: "GET /admin/directory/v1/groups",
    K.SESSION: "GET /admin/reports",
}


def account(r: Rig, employee_no: str = TANAKA) -> Account:
    person_id = r.account_id(employee_no)
    return Account(Service.GOOGLE_WORKSPACE, person_id, label=r.tenant.users[person_id].email)


async def rows_of(r: Rig, kind: EntitlementKind, who: Account | None = None) -> list[Entitlement]:
    return list(await r.connector.list_access(who or account(r), frozenset({kind})))


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
            directory: Directory = r.connector._directory  # type: ignore[attr-defined]  # the room behind the contract
            for n in range(9):
                r.stage.faults.append(Fault("/v1/groups[?]", status=200, body=f'{{"nextPageToken": "{n}"}}'))
            with pytest.raises(Unintelligible, match="more than 5 pages"):
                await directory.transport.pages(
                    lambda token: _ask(directory, r.account_id(TANAKA), token), "groups", [], most=5
                )


def _ask(directory: Directory, key: str, token: str | None) -> Ask:
    return Ask("list groups", GROUP_READ, lambda: directory.groups.list(userKey=key, pageToken=token))
