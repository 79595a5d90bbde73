"""Listings that could come back short without saying so, and answers in shapes that Slack allows but does not promise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import Unintelligible
from connectors.slack.people import flags
from emulators.fault_proxy import Fault
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Service
from tests.contract.rig import Rig, leaver
from tests.contract.rig_slack import rig

K = EntitlementKind


async def rows(r: Rig, employee_no: str, *kinds: EntitlementKind) -> list[Entitlement]:
    """Return a fresh listing."""
    return await r.connector.list_access(Account(Service.SLACK, r.account_id(employee_no)), frozenset(kinds))


def answers(r: Rig, path: str, times: int | None = None, **body: Any) -> None:
    """Let the tenant answer *path* with *body*."""
    r.stage.faults.append(Fault(path, status=200, body=json.dumps({"ok": True, **body}), times=times))


class TestWorkspaces:
    async def test_token_of_one_workspace_sees_not_all_groups(self) -> None:
        """A token of one workspace cannot say that a person of two is in no group: unreadable, not a shorter list."""
        async with rig(org_install=False) as r:
            (row,) = await rows(r, "E1001", K.GROUP)
            assert row.state is EntitlementState.UNREADABLE
            assert "organisation" in (row.remedy or "")

    async def test_reading_token_of_one_workspace(self) -> None:
        """Where the administrator's token is the organisation's but the one that lists is not, groups are unreadable."""
        async with rig(probe=False) as r:
            r.tenant.tokens[r.tenant.credentials()["bot_token"]].org = False
            assert [row.state for row in await rows(r, "E1001", K.GROUP)] == [EntitlementState.UNREADABLE]
            problems = (await r.connector.probe()).problems
            assert any("one workspace" in problem for problem, _ in problems)

    async def test_groups_of_another_workspace(self) -> None:
        """Asked for one workspace's groups and given another's, nobody knows the former."""
        async with rig() as r:
            group = {"id": "S01", "team_id": "T0HOSHI01", "users": []}
            answers(r, "usergroups.list", usergroups=[group])
            assert [row.state for row in await rows(r, "E1001", K.GROUP)] == [EntitlementState.UNREADABLE]

    async def test_fewer_workspaces_after_the_block(self) -> None:
        """Slack naming fewer workspaces of a deactivated person closes nothing in those that it leaves out."""
        async with rig() as r:
            before = {row.id for row in await rows(r, "E1001", K.GROUP)}
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            r.tenant.members[r.account_id("E1001")].teams = ("T0HOSHI01",)
            assert {row.id for row in await rows(r, "E1001", K.GROUP)} == before

    async def test_fewer_workspaces_to_who_never_saw_them(self) -> None:
        """A later look, by another process, goes through all workspaces of a deactivated person."""
        async with rig() as r:
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            r.tenant.members[r.account_id("E1001")].teams = ("T0HOSHI01",)
            assert {row.id for row in await rows(r, "E1001", K.GROUP)} == {
                e for e in r.held(r.account_id("E1001")) if ":group:" in e
            }

    async def test_install_is_not_said(self) -> None:
        """Where `auth.test` names the organisation but not the install, the calls themselves decide."""
        async with rig(probe=False) as r:
            known = {"user_id": r.tenant.automation_id, "team_id": "E0HOSHI01", "enterprise_id": "E0HOSHI01"}
            answers(r, "auth.test", **known)
            found = {row.id for row in await rows(r, "E1001", K.GROUP, K.SESSION)}
            assert found == {e for e in r.held(r.account_id("E1001")) if ":group:" in e or ":session:" in e}


class TestGroups:
    async def test_pages(self) -> None:
        """Slack does not page user groups; a cursor that comes all the same is followed."""
        async with rig(plan="business_plus") as r:
            user = r.account_id("E1001")
            answers(r, "usergroups.list", 1, usergroups=[], response_metadata={"next_cursor": "more"})
            answers(r, "usergroups.list", 1, usergroups=[{"id": "S09", "users": [user]}])
            assert [row.vendor_id for row in await rows(r, "E1001", K.GROUP)] == ["T0HOSHI01/S09"]

    @pytest.mark.parametrize("group", [{"users": []}, {"id": 7, "users": []}, {"id": "S01", "users": None}])
    async def test_incomplete(self, group: dict[str, Any]) -> None:
        """A group without its id or users may hold the leaver."""
        async with rig(plan="business_plus") as r:
            answers(r, "usergroups.list", usergroups=[group])
            assert [row.state for row in await rows(r, "E1001", K.GROUP)] == [EntitlementState.UNREADABLE]


class TestSessions:
    async def test_without_names(self) -> None:
        """Slack promises a session's number; whose and where is known from the question."""
        async with rig() as r:
            answers(r, "session.list", active_sessions=[{"session_id": 5, "created": {"os": "iOS"}}])
            places = [row.vendor_id for row in await rows(r, "E1012", K.SESSION)]
            assert sorted(places) == ["E0HOSHI01/5", "T0HOSHI01/5"]

    async def test_without_number(self) -> None:
        """A session without its number is not understood."""
        async with rig() as r:
            answers(r, "session.list", active_sessions=[{"created": {}}])
            assert [row.state for row in await rows(r, "E1012", K.SESSION)] == [EntitlementState.UNREADABLE]


class TestRoles:
    async def test_assignment_of_nobody(self) -> None:
        """An assignment that does not say whose it is may be the leaver's."""
        async with rig() as r:
            answers(r, "listAssignments", role_assignments=[{"role_id": "Rl0A", "entity_id": "C01"}])
            assert [row.state for row in await rows(r, "E1001", K.ROLE)] == [EntitlementState.UNREADABLE]

    async def test_rank_that_is_not_shown(self) -> None:
        """Below Enterprise an active account without its flags has an unknown rank, which is not none."""
        async with rig(plan="business_plus") as r:
            answers(r, r"users\.info", user={"id": r.account_id("E1007"), "deleted": False, "is_admin": False})
            assert [row.state for row in await rows(r, "E1007", K.ROLE)] == [EntitlementState.UNREADABLE]


class TestSignIn:
    async def test_active_without_flags_is_open_and_can_be_cut(self) -> None:
        """That Slack does not show an active account's rank does not keep it from being blocked."""
        async with rig() as r:
            user = {"id": r.account_id("E1001"), "deleted": False}
            answers(r, r"users\.info", user=user)
            (row,) = await rows(r, "E1001", K.SIGN_IN)
            assert (row.state, row.vendor_id, row.prestate["flags"]) == (EntitlementState.FOUND, "account", flags({}))


class TestShapes:
    @pytest.mark.parametrize("body", ["[1]", "7", '"text"', "null", "true"])
    async def test_json_that_is_no_object(self, body: str) -> None:
        """JSON of another sort is not understood, and raises nothing of its own."""
        async with rig(plan="pro") as r:
            r.stage.faults.append(Fault(r"users\.info", status=200, body=body, times=None))
            (row,) = await rows(r, "E1001", K.SIGN_IN)
            assert row.state is EntitlementState.UNREADABLE

    @pytest.mark.parametrize("more", [{"enterprise_user": "E0"}, {"profile": "x", "enterprise_user": {"teams": 5}}])
    async def test_text_for_an_object(self, more: dict[str, Any]) -> None:
        """An answer whose parts are of another sort makes the kinds that need them unreadable, and breaks no other."""
        async with rig() as r:
            answers(r, r"users\.info", user={"id": r.account_id("E1001"), "deleted": False, **more})
            states = {row.kind: row.state for row in await rows(r, "E1001", *K)}
            assert (states[K.GROUP], states[K.ROLE]) == (EntitlementState.UNREADABLE, EntitlementState.FOUND)

    async def test_odd_profile_in_the_directory(self) -> None:
        """A directory with an entry in another shape was not read."""
        async with rig(plan="pro") as r:
            answers(r, r"users\.list", members=[{"id": "U01", "deleted": False, "profile": "x"}])
            with pytest.raises(Unintelligible):
                await r.connector.find_accounts(leaver("E1001"))


class TestScimUsers:
    async def test_start_index_ignored(self) -> None:
        """A server that begins at the first page again fills its total with the same people: not read whole."""
        async with rig(plan="business_plus") as r:
            page: dict[str, Any] = {
                "totalResults": 4,
                "Resources": [{"id": "U01", "active": True}, {"id": "U02", "active": True}],
            }
            answers(r, r"GET /scim/v2/Users\?", **page)
            with pytest.raises(Unintelligible, match="twice"):
                await r.connector.find_accounts(leaver("E1001"))

    async def test_nobody_found_without_a_list(self) -> None:
        """A search that finds nobody may leave the list out, as its standard allows."""
        async with rig(plan="business_plus") as r:
            answers(r, "filter=", totalResults=0)
            assert r.account_id("E1001") in {m.account.id for m in await r.connector.find_accounts(leaver("E1001"))}

    async def test_no_filters(self) -> None:
        """Filters are documented for version 1 only: one that is refused takes nothing from the whole listing."""
        async with rig(plan="business_plus") as r:
            body = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"no_filters","status":"400"}'
            r.stage.faults.append(Fault("filter=", status=400, body=body, times=None))
            assert r.account_id("E1001") in {m.account.id for m in await r.connector.find_accounts(leaver("E1001"))}

    async def test_filter_ignored(self) -> None:
        """A server that ignores the filter and gives everybody makes nobody else the leaver."""
        async with rig(plan="business_plus") as r:
            people = [{"id": "U0OTHER1", "active": True, "emails": [{"value": "other@hoshizora.example"}]}]
            answers(r, "filter=", totalResults=1, Resources=people)
            assert "U0OTHER1" not in {m.account.id for m in await r.connector.find_accounts(leaver("E1001"))}
