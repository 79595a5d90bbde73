"""What a Slack account holds, and what cannot be known of it."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.fault_proxy import Fault
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Guard, Service
from tests.contract.rig import Rig
from tests.contract.rig_slack import rig

K = EntitlementKind


def account(r: Rig, employee_no: str) -> Account:
    """Return the account of one of the company's people."""
    return Account(Service.SLACK, r.account_id(employee_no))


async def rows(r: Rig, employee_no: str, *kinds: EntitlementKind) -> list[Entitlement]:
    """Return a fresh listing."""
    return await r.connector.list_access(account(r, employee_no), frozenset(kinds) if kinds else None)


def found(listed: list[Entitlement]) -> set[str]:
    """Return the ids of the rows that say that something is held."""
    return {row.id for row in listed if row.state is EntitlementState.FOUND}


class TestListing:
    @pytest.mark.parametrize("page_size", [1, 2, None])
    @pytest.mark.parametrize("plan", ["business_plus", "enterprise"])
    @pytest.mark.parametrize("employee_no", ["E1001", "E1007", "E1012", "E1013", "X2001"])
    async def test_is_the_truth(self, plan: str, page_size: int | None, employee_no: str) -> None:
        """All that the tenant grants is listed, whatever the size of its pages."""
        async with rig(plan=plan, page_size=page_size) as r:
            listed = await r.connector.list_access(account(r, employee_no))
            assert found(listed) == r.held(r.account_id(employee_no))
            assert all(listed.evidence[k] for k in r.connector.manifest.kinds if k is not K.GRANT)

    @pytest.mark.parametrize(
        ("kind", "paths"),
        [
            (K.SIGN_IN, {"/api/users.info", "/scim/v2/Users/{}"}),
            (K.SESSION, {"/api/users.info", "/api/admin.users.session.list"}),
            (K.ROLE, {"/api/admin.roles.listAssignments"}),
            (K.GROUP, {"/api/users.info", "/api/usergroups.list"}),
            (K.GRANT, set[str]()),
        ],
    )
    async def test_one_kind_costs_its_own_calls(self, kind: EntitlementKind, paths: set[str]) -> None:
        """A read-back asks for what it wants to know, and nothing else."""
        async with rig() as r:
            await rows(r, "E1001", kind)
            assert {q.path for q in r.stage.journal} == {p.format(r.account_id("E1001")) for p in paths}

    async def test_workspaces_unknown_after_the_block(self) -> None:
        """Where Slack no longer says in which workspaces a person was, all are looked through."""
        async with rig(teams_after_block=False) as r:
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            listed = await rows(r, "E1001", K.GROUP)
            assert {row.vendor_id.split("/")[0] for row in listed} == {"T0HOSHI01", "T0HOSHI02"}

    async def test_bad_id(self) -> None:
        """An id that is none of Slack's makes each kind unreadable, and reaches no path."""
        async with rig() as r:
            listed = await r.connector.list_access(Account(Service.SLACK, "U1/../U2"))
            states = {row.kind: row.state for row in listed}
            assert states.pop(K.GRANT) is EntitlementState.NO_API
            assert set(states.values()) == {EntitlementState.UNREADABLE}
            assert not [q for q in r.stage.journal if "U2" in q.path]

    async def test_unprobed(self) -> None:
        """Without a probe the plan is still seen, from whom the tokens belong to."""
        async with rig(probe=False) as r:
            assert found(await rows(r, "E1001")) == r.held(r.account_id("E1001"))


class TestSignIn:
    @pytest.mark.parametrize("lag", [{"web_lag": 2}, {"scim_lag": 2}])
    async def test_closed_only_when_both_faces_say_so(self, lag: dict[str, Any]) -> None:
        """A deactivation is news that travels: while either face calls the account active, the row stands."""
        async with rig(**lag) as r:
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            counts = [len(await rows(r, "E1001", K.SIGN_IN)) for _ in range(3)]
            assert counts == [1, 1, 0]

    async def test_guards(self) -> None:
        """The primary owner cannot be deactivated, and our own account must not be."""
        async with rig() as r:
            assert [row.guard for row in await rows(r, "E1009", K.SIGN_IN)] == [Guard.PRIMARY_OWNER]
            own = Account(Service.SLACK, r.tenant.automation_id)
            assert [e.guard for e in await r.connector.list_access(own, frozenset({K.SIGN_IN}))] == [
                Guard.OWN_CREDENTIAL
            ]

    async def test_prestate(self) -> None:
        """The flags of rank, which vanish with the deactivation, are kept from before it."""
        async with rig() as r:
            (row,) = await rows(r, "E1007", K.SIGN_IN)
            assert row.prestate["workspaces"] == ["T0HOSHI01", "T0HOSHI02"]
            assert row.prestate["flags"] == {
                "is_admin": True, "is_owner": True, "is_primary_owner": False, "is_restricted": False,
                "is_ultra_restricted": False,
            }  # fmt: skip

    async def test_pro(self) -> None:
        """Pro has no SCIM: the account is open, a person is asked to close it, and the next read shows that it is done."""
        async with rig(plan="pro") as r:
            (row,) = await rows(r, "E1001", K.SIGN_IN)
            assert (row.state, row.vendor_id, row.by_hand) == (EntitlementState.FOUND, "account", True)
            assert row.problem is not None
            assert "admin console" in (row.remedy or "")
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            assert await rows(r, "E1001", K.SIGN_IN, K.SESSION, K.ROLE) == []

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (r"users\.info", '{"ok":true,"user":{"id":"%s"}}'),
            (r"users\.info", '{"ok":true}'),
            (r"users\.info", '{"ok":false,"error":"user_not_found"}'),
            (r"/scim/v2/Users/", '{"id":"%s","active":"false"}'),
            (r"/scim/v2/Users/", '{"id":"U0OTHER","active":false}'),
            (r"/scim/v2/Users/", "<html>please sign in</html>"),
            (r"/scim/v2/Users/", '{"Errors":{"description":"no_such_user","code":404}}'),
            (r"/scim/v2/Users/", ""),
        ],
    )
    async def test_half_an_answer(self, path: str, body: str) -> None:
        """An answer that lacks what decides, or is about another, is unreadable: never closed."""
        async with rig() as r:
            if "%s" in body:
                body %= r.account_id("E1001")
            r.stage.faults.append(Fault(path, status=200, body=body, times=None))
            (row,) = await rows(r, "E1001", K.SIGN_IN)
            assert row.state is EntitlementState.UNREADABLE


class TestSession:
    async def test_below_enterprise(self) -> None:
        """Without a session API one row stands for all sessions, and ends with the account."""
        async with rig(plan="business_plus") as r:
            assert [row.vendor_id for row in await rows(r, "E1001", K.SESSION)] == ["account"]
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            assert await rows(r, "E1001", K.SESSION) == []

    async def test_none_left(self) -> None:
        """Slack's `no_active_sessions` is the proof of none."""
        async with rig() as r:
            r.tenant.deactivate(r.tenant.members[r.account_id("E1001")], "console")
            listed = await r.connector.list_access(account(r, "E1001"), frozenset({K.SESSION}))
            assert listed == []
            assert [e.code for e in listed.evidence[K.SESSION]].count("no_active_sessions") == 3

    async def test_another_ones_sessions(self) -> None:
        """A listing that holds somebody else's sessions is not understood."""
        async with rig() as r:
            body = '{"ok":true,"active_sessions":[{"user_id":"U0OTHER","team_id":"T0HOSHI01","session_id":1}]}'
            r.stage.faults.append(Fault("session.list", status=200, body=body))
            assert [row.state for row in await rows(r, "E1001", K.SESSION)] == [EntitlementState.UNREADABLE]


class TestRole:
    async def test_only_channel_manager(self) -> None:
        """A channel's only manager is guarded until a successor is named."""
        async with rig() as r:
            assert [row.guard for row in await rows(r, "E1015", K.ROLE)] == [Guard.LAST_OWNER]
            assert {row.guard for row in await rows(r, "E1001", K.ROLE)} == {None}

    async def test_rank_below_enterprise(self) -> None:
        """Below Enterprise the account's own rank is its role, and ends with the account."""
        async with rig(plan="business_plus") as r:
            listed = {row.vendor_id: row.guard for row in await rows(r, "E1009", K.ROLE)}
            assert listed == {"is_admin": None, "is_owner": None, "is_primary_owner": Guard.PRIMARY_OWNER}


class TestGroup:
    async def test_guards(self) -> None:
        """Groups of the identity provider and locked ones are shown, and guarded."""
        async with rig() as r:
            names = {row.label: row.guard for row in await rows(r, "E1013", K.GROUP)}
            assert names["from-idp"] is Guard.MASTERED_ELSEWHERE
            assert names["works-council"] is Guard.PRIVILEGED
            assert names["all-tokyo"] is None

    async def test_group_without_users(self) -> None:
        """A group that does not name its users may hold the leaver."""
        async with rig(plan="business_plus") as r:
            body = '{"ok":true,"usergroups":[{"id":"S01","team_id":"T0HOSHI01"}]}'
            r.stage.faults.append(Fault("usergroups.list", status=200, body=body))
            assert [row.state for row in await rows(r, "E1001", K.GROUP)] == [EntitlementState.UNREADABLE]


class TestGrant:
    @pytest.mark.parametrize("plan", ["pro", "business_plus", "enterprise"])
    async def test_no_api(self, plan: str) -> None:
        """No plan lists tokens: one row says so, with what survives and what to do."""
        async with rig(plan=plan) as r:
            (row,) = await rows(r, "E1001", K.GRANT)
            assert row.state is EntitlementState.NO_API
            assert "webhooks" in (row.problem or "")
            assert row.remedy


READS = {
    K.SIGN_IN: ("users.info", "/scim/v2/Users/"),
    K.SESSION: ("session.list", "users.info"),
    K.ROLE: ("listAssignments",),
    K.GROUP: ("usergroups.list", "users.info"),
}
CASES = [(kind, path) for kind, paths in READS.items() for path in paths]


class TestFailingListing:
    @pytest.mark.parametrize(("kind", "path"), CASES)
    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "headers": {"retry-after": "1"}},
            {"status": 503, "body": "<html>"},
            {"drop": True},
            {"status": 200, "body": "<html>"},
            {"status": 200, "body": '{"ok":'},
            {"status": 200, "body": "[]"},
        ],
        ids=["429", "503", "drop", "html", "half", "list"],
    )
    async def test_is_a_row(self, kind: EntitlementKind, path: str, fault: dict[str, Any]) -> None:
        """A listing that fails, on whichever page, is one unreadable row with a remedy, and fails no other kind."""
        async with rig(page_size=1) as r:
            r.stage.faults.append(Fault(path, times=None, skip=0 if "info" in path or "scim" in path else 1, **fault))
            listed = await r.connector.list_access(account(r, "E1001"))
            mine = [row for row in listed if row.kind is kind]
            assert [(row.state, row.vendor_id) for row in mine] == [(EntitlementState.UNREADABLE, "*")]
            assert mine[0].problem
            assert mine[0].remedy
            assert listed.evidence[kind]
            untouched = {K.SIGN_IN, K.ROLE, K.GROUP, K.SESSION} - {k for k, p in CASES if p == path}
            assert {row.kind for row in listed if row.state is EntitlementState.FOUND} == untouched

    @pytest.mark.parametrize(("kind", "path"), CASES)
    async def test_passing_failure_is_waited_out(self, kind: EntitlementKind, path: str) -> None:
        """One 429 or 503 is waited out, and leaves its trace in the evidence."""
        async with rig() as r:
            r.stage.faults.append(Fault(path, status=429, headers={"retry-after": "0.5"}))
            r.stage.faults.append(Fault(path, status=503))
            listed = await r.connector.list_access(account(r, "E1001"), frozenset({kind}))
            assert found(listed) == {e for e in r.held(r.account_id("E1001")) if f":{kind}:" in e}
            assert {429, 503} <= {e.status for e in listed.evidence[kind]}

    @pytest.mark.parametrize(
        ("scope", "kind"),
        [
            ("users:read", K.SIGN_IN), ("users:read", K.SESSION), ("users:read", K.GROUP), ("admin", K.SIGN_IN),
            ("admin.users:read", K.SESSION), ("admin.roles:read", K.ROLE), ("usergroups:read", K.GROUP),
        ],
    )  # fmt: skip
    async def test_missing_scope(self, scope: str, kind: EntitlementKind) -> None:
        """A missing scope is an unreadable row, not an empty list."""
        async with rig(missing_scopes=frozenset({scope})) as r:
            (row,) = await rows(r, "E1001", kind)
            assert row.state is EntitlementState.UNREADABLE
            if scope != "admin":
                assert f"needs {scope}" in (row.problem or "")
                assert scope in (row.remedy or "")

    @pytest.mark.parametrize("kind", [K.SESSION, K.ROLE])
    async def test_wrong_plan(self, kind: EntitlementKind) -> None:
        """A call that the plan does not have is a row that says so."""
        async with rig() as r:
            path = "session.list" if kind is K.SESSION else "listAssignments"
            r.stage.faults.append(
                Fault(path, status=200, body='{"ok":false,"error":"feature_not_enabled"}', times=None)
            )
            assert [row.state for row in await rows(r, "E1001", kind)] == [EntitlementState.NOT_ON_PLAN]

    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.SESSION, K.ROLE])
    async def test_token_of_one_workspace(self, kind: EntitlementKind) -> None:
        """On Enterprise a token of one workspace's app sees too little: unreadable, with the remedy."""
        async with rig(org_install=False) as r:
            (row,) = await rows(r, "E1001", kind)
            assert row.state is EntitlementState.UNREADABLE
            assert "organisation" in (row.remedy or "")
