"""What a probe of Slack says, and what the emulated organisation itself refuses."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from connectors.contract import Ability, Capabilities
from connectors.errors import Denied
from connectors.slack.activity.sources import sources_for
from connectors.slack.activity.words import AUDIT_LOGS
from connectors.slack.manifest import SlackPlan, manifest_for
from connectors.slack.probing import FINDING, purpose_of
from connectors.slack.settings import TokenPurpose
from emulators.fault_proxy import Fault, FaultProxy, served
from emulators.slack import Tenant
from emulators.slack.tenant import ADMIN_SCOPES, BOT_SCOPES
from models.vocabulary import Confirmation, EntitlementKind
from tests.contract.rig_slack import rig

K = EntitlementKind


def ability(found: Capabilities, kind: EntitlementKind) -> Ability:
    """Return what was found about one kind."""
    return next(a for a in found.abilities if a.kind is kind)


class TestProbe:
    @pytest.mark.parametrize("plan", list(SlackPlan))
    async def test_plan(self, plan: SlackPlan) -> None:
        """The plan is told from reads alone, and the manifest becomes that plan's."""
        async with rig(plan=plan.value) as r:
            found = await r.connector.probe()
            assert found.plan == plan
            assert r.connector.manifest == manifest_for(plan)
            assert r.tenant.automation_id in found.own_account_ids
            assert ability(found, K.SIGN_IN).can_revoke is (plan is not SlackPlan.PRO)
            assert ability(found, K.GRANT).can_list is False
            assert r.changed() == set()
            assert found.problems == ()

    async def test_before(self) -> None:
        """Until a probe has seen the plan, it is taken for Business+, where sessions end with the block."""
        async with rig(probe=False) as r:
            session = r.connector.manifest.kinds[K.SESSION]
            assert (session.confirmation, session.implied_by) == (Confirmation.IMPLIED_BY, K.SIGN_IN)

    @pytest.mark.parametrize(
        ("scope", "kind"),
        [
            ("users:read", K.SIGN_IN), ("admin.users:read", K.SESSION), ("admin.users:write", K.SESSION),
            ("admin.roles:read", K.ROLE), ("admin.roles:write", K.ROLE), ("usergroups:read", K.GROUP),
            ("usergroups:write", K.GROUP),
        ],
    )  # fmt: skip
    async def test_missing_scope(self, scope: str, kind: EntitlementKind) -> None:
        """A missing scope is an inability with its name and remedy, not an exception."""
        async with rig(missing_scopes=frozenset({scope})) as r:
            lacking = ability(await r.connector.probe(), kind)
            assert not (lacking.can_list and lacking.can_revoke)
            assert scope in (lacking.problem or "")
            assert scope in (lacking.remedy or "")

    async def test_scim_without_its_scope(self) -> None:
        """SCIM's refusal is an inability to block."""
        async with rig(missing_scopes=frozenset({"admin"}), plan="business_plus") as r:
            found = await r.connector.probe()
            for kind in (K.SIGN_IN, K.SESSION):
                assert ability(found, kind).can_revoke is False
            assert "permission_denied" in (ability(found, K.SIGN_IN).problem or "")

    async def test_audit_logs_of_an_administrator(self) -> None:
        """The audit logs open to an Owner's token only: said as a problem of the service."""
        async with rig(token_role="admin") as r:
            problems = (await r.connector.probe()).problems
            assert [p for p, _ in problems] == ["slack: cannot read the audit logs: user_not_authorized"]
            assert "Owner" in problems[0][1]

    @pytest.mark.parametrize(("path", "status"), [("/audit/", 503), ("/audit/", 404), ("/scim/", 404)])
    async def test_missing_side(self, path: str, status: int) -> None:
        """Audit logs that cannot be read, or a SCIM that answers strangely, are problems and keep nobody's account open."""
        async with rig() as r:
            r.stage.faults.append(Fault(path, status=status, body="<html>", times=None))
            found = await r.connector.probe()
            assert ability(found, K.SESSION).can_revoke
            assert bool(found.problems) is ("audit" in path)
            assert ability(found, K.SIGN_IN).can_revoke is ("audit" in path)

    async def test_installed_on_one_workspace(self) -> None:
        """An app of one workspace cannot act on the organisation."""
        async with rig(org_install=False) as r:
            found = await r.connector.probe()
            assert any("one workspace" in problem for problem, _ in found.problems)
            assert ability(found, K.SIGN_IN).can_list is False

    async def test_one_token_refused(self) -> None:
        """A token that Slack no longer accepts is a problem, and takes its kinds along."""
        async with rig(settings={"bot_token": "xoxb-9-old"}) as r:
            found = await r.connector.probe()
            assert any("invalid_auth" in problem for problem, _ in found.problems)
            assert ability(found, K.GROUP).can_list is False

    async def test_addresses_hidden(self) -> None:
        """Without the scope that shows addresses nobody is found by theirs: said as a problem of the service."""
        async with rig(missing_scopes=frozenset({"users:read.email"})) as r:
            problems = (await r.connector.probe()).problems
            assert [p for p, _ in problems] == [
                "slack: cannot use LASTDAY_SLACK_BOT_TOKEN: missing_scope (needs users:read.email)"
            ]

    @pytest.mark.parametrize("plan", list(SlackPlan))
    async def test_uploads_hidden(self, plan: SlackPlan) -> None:
        """Where uploads are read, the scope for it is asked for; on Enterprise the audit logs hold them, and it is not."""
        async with rig(plan=plan.value, missing_scopes=frozenset({"files:read"})) as r:
            problems = (await r.connector.probe()).problems
            assert any("needs files:read" in problem for problem, _ in problems) is (plan is not SlackPlan.ENTERPRISE)

    @pytest.mark.parametrize("plan", list(SlackPlan))
    async def test_exactly_what_the_page_asks_for(self, plan: SlackPlan) -> None:
        """With the scopes that the page names for the plan, and no others, everything that the plan has can be done."""
        more = (ADMIN_SCOPES | BOT_SCOPES) - {scope for scopes in asked_for(plan).values() for scope in scopes}
        async with rig(plan=plan.value, missing_scopes=more) as r:
            found = await r.connector.probe()
            assert found.problems == ()
            assert [a.kind for a in found.abilities if not a.can_list] == [K.GRANT]

    async def test_no_token_accepted(self) -> None:
        """Without any accepted token there is nothing to probe."""
        wrong = dict.fromkeys(("token", "bot_token", "scim_token", "audit_token"), "xoxp-9-old")
        async with rig(settings=wrong, probe=False) as r:
            with pytest.raises(Denied, match="invalid_auth"):
                await r.connector.probe()


class TestEmulatedSlack:
    @pytest.mark.parametrize(
        ("path", "headers", "status", "body"),
        [
            ("/api/users.explode", {}, 200, '{"ok":false,"error":"unknown_method"}'),
            ("/api/auth.test", {}, 200, '{"ok":false,"error":"not_authed"}'),
            ("/api/auth.test", {"authorization": "Bearer no"}, 200, '{"ok":false,"error":"invalid_auth"}'),
            ("/scim/v2/Users/U01", {}, 401, '{"Errors":{"description":"missing_authentication","code":401}}'),
            ("/scim/v3/Users", {}, 404, '{"Errors":{"description":"bad_endpoint","code":404}}'),
            ("/audit/v1/logs", {}, 401, '{"ok":false,"error":"missing_authentication"}'),
            ("/audit/v1/else", {}, 404, '{"ok":false,"error":"bad_endpoint"}'),
        ],
    )
    def test_refusals(self, path: str, headers: dict[str, str], status: int, body: str) -> None:
        """What the vendor does not know, or does not let in, is refused in its own words."""
        with served(FaultProxy(Tenant().app)) as root:
            answer = httpx.get(f"{root}{path}", headers=headers, trust_env=False)
            assert (answer.status_code, answer.text) == (status, body)

    def test_strictness(self) -> None:
        """An unknown argument, a form of SCIM patch it does not know, an audit filter that is none: errors."""
        tenant = Tenant()
        with served(FaultProxy(tenant.app)) as root:
            admin = {"authorization": f"Bearer {tenant.credentials()['token']}"}
            url = f"{root}/api/users.info"
            answer = httpx.post(url, headers=admin, data={"user": "U01", "colour": "red"}, trust_env=False).json()
            assert answer["error"] == "invalid_arguments"
            user = f"{root}/scim/v2/Users/{tenant.account_id('E1001')}"
            answer = httpx.patch(user, headers=admin, json={"active": False}, trust_env=False).json()
            assert answer["detail"] == "missing_schema_element"
            answer = httpx.get(f"{root}/audit/v1/logs?colour=red", headers=admin, trust_env=False).json()
            assert answer["ok"] is False

    def test_json_and_query(self) -> None:
        """The Web API takes its arguments as JSON and in the query too, and the token as an argument."""
        tenant = Tenant()
        user, token = tenant.account_id("E1001"), tenant.credentials()["token"]
        with served(FaultProxy(tenant.app)) as root:
            asked = httpx.post(f"{root}/api/users.info?token={token}", json={"user": user}, trust_env=False).json()
            assert asked["user"]["id"] == user
            assert asked["user"]["has_2fa"] is True

    def test_deactivated_face(self) -> None:
        """After a deactivation the flags are absent, `deleted` and the profile stay; the person's token is dead."""
        tenant = Tenant()
        member = tenant.members[tenant.account_id("E1001")]
        tenant.deactivate(member, "console")
        admin = {"authorization": f"Bearer {tenant.credentials()['token']}"}
        with served(FaultProxy(tenant.app)) as root:
            user = httpx.get(f"{root}/api/users.info?user={member.id}", headers=admin, trust_env=False).json()["user"]
            assert user["deleted"] is True
            assert not {"is_admin", "is_owner", "is_primary_owner", "is_restricted", "real_name", "tz"} & set(user)
            own = {"authorization": f"Bearer xoxp-2000-{member.id}"}
            assert httpx.get(f"{root}/api/auth.test", headers=own, trust_env=False).json()["error"] == "token_revoked"
            lookup = f"{root}/api/users.lookupByEmail?email={member.email}"
            assert httpx.get(lookup, headers=admin, trust_env=False).json()["error"] == "users_not_found"
            active = httpx.get(f"{root}/api/admin.users.list", headers=admin, trust_env=False).json()["users"]
            assert member.id not in {u["id"] for u in active}

    def test_lag_in_seconds(self) -> None:
        """Until the lag is over the person works on: session, token and all."""
        now = [1_000_000.0]
        tenant = Tenant(deactivation_lag=30.0, clock=lambda: now[0])
        member = tenant.members[tenant.account_id("E1001")]
        before = tenant.held(member.id)
        tenant.deactivate(member, "console")
        now[0] += 29
        assert tenant.held(member.id) == before
        assert tenant.read_active(member, "scim") is True
        now[0] += 1
        assert tenant.read_active(member, "scim") is False
        assert not {e for e in tenant.held(member.id) if ":session:" in e or ":sign_in:" in e}

    def test_audit_log(self) -> None:
        """The organisation's own log has each change, the newest first, and pages."""
        tenant = Tenant(page_size=1)
        people = [tenant.members[tenant.account_id(n)] for n in ("E1001", "E1002")]
        for member in people:
            tenant.deactivate(member, tenant.automation_id)
        tenant.activate(people[0], tenant.automation_id)
        admin = {"authorization": f"Bearer {tenant.credentials()['audit_token']}"}
        with served(FaultProxy(tenant.app)) as root:
            url, seen, cursor = f"{root}/audit/v1/logs?action=user_deactivated", [], ""
            while True:
                page = httpx.get(f"{url}&cursor={cursor}", headers=admin, trust_env=False).json()
                seen += [entry["entity"]["user"]["id"] for entry in page["entries"]]
                cursor = page["response_metadata"]["next_cursor"]
                if not cursor:
                    break
            assert seen == [people[1].id, people[0].id]

    def test_scim_pages_by_ten(self) -> None:
        """Without `count` SCIM gives ten; its filter finds by address, whatever the case."""
        tenant = Tenant(plan="business_plus")
        scim = {"authorization": f"Bearer {tenant.credentials()['scim_token']}"}
        with served(FaultProxy(tenant.app)) as root:
            assert len(httpx.get(f"{root}/scim/v1/Users", headers=scim, trust_env=False).json()["Resources"]) == 10
            query = {"filter": 'Email EQ "K.Sato@hoshizora.example"'}
            found = httpx.get(f"{root}/scim/v2/Users", params=query, headers=scim, trust_env=False).json()
            assert [u["id"] for u in found["Resources"]] == [tenant.account_id("E1002")]


def asked_for(plan: SlackPlan) -> dict[TokenPurpose, set[str]]:
    """Return the scopes that are used on a plan, by the token that needs them."""
    kinds = manifest_for(plan).kinds.values()
    scopes = {*FINDING, *(s for kind in kinds for s in (*kind.read_scopes, *kind.write_scopes))}
    logs = [source for source in sources_for(plan) if plan is SlackPlan.ENTERPRISE or source.name != AUDIT_LOGS]
    scopes |= {scope for source in logs for scope in source.scopes}
    return {purpose: {s for s in scopes if purpose_of(s) is purpose} for purpose in TokenPurpose}


class TestPage:
    @pytest.mark.parametrize("plan", list(SlackPlan))
    def test_names_the_scopes(self, plan: SlackPlan) -> None:
        """The page names for each plan and token the scopes that are used, and no others."""
        page = (Path(__file__).parents[2] / "docs/connectors/slack.md").read_text(encoding="utf-8")
        column = {SlackPlan.PRO: 1, SlackPlan.BUSINESS_PLUS: 1, SlackPlan.ENTERPRISE: 2}[plan]
        for purpose, scopes in asked_for(plan).items():
            (line,) = [
                row for row in page.splitlines() if row.startswith(f"| scopes of `LASTDAY_SLACK_{purpose.upper()}`")
            ]
            assert set(line.split("|")[column + 1].strip(" –").split(", ")) - {""} == scopes

    @pytest.mark.parametrize("plan", [SlackPlan.BUSINESS_PLUS, SlackPlan.ENTERPRISE])
    def test_equals_the_manifest(self, plan: SlackPlan) -> None:
        """The page for those who set Slack up says what the manifest says."""
        page = (Path(__file__).parents[2] / "docs/connectors/slack.md").read_text(encoding="utf-8")
        for row in manifest_for(plan).kinds.values():
            seen = f"implied_by {row.implied_by}" if row.implied_by else str(row.confirmation)
            seen = "nobody (`no_api`)" if row.no_api else seen
            scopes = [", ".join(s) or "–" for s in (row.read_scopes, row.write_scopes)]
            cells = [str(row.order), *scopes, seen, str(row.restores)]
            lines = [f"| {row.kind} | {p} | {' | '.join(cells)} |" for p in ("any", plan.value)]
            assert any(line in page for line in lines), lines
