"""Google Workspace: taking access away, once, from one account only; and giving back what a wrong cut took."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.errors import ConnectorError, Denied, OutcomeUnknown, Throttled, Unintelligible, Unreachable
from connectors.google_workspace.manifest import MANIFEST
from emulators.fault_proxy import Fault
from emulators.google_workspace.state import group_id, user_id
from models.vocabulary import (
    Account,
    Entitlement,
    EntitlementKind,
    Receipt,
    Restorability,
    RevocationResult,
    Service,
)
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import rig

K = EntitlementKind
TANAKA = "E1001"
COMMANDED, ABSENT, REFUSED = (
    RevocationResult.COMMANDED,
    RevocationResult.ALREADY_ABSENT,
    RevocationResult.REFUSED,
)


def account(r: Rig, employee_no: str = TANAKA) -> Account:
    return Account(Service.GOOGLE_WORKSPACE, r.account_id(employee_no), label="x@hoshizora.example")


async def rows_of(r: Rig, *kinds: EntitlementKind, who: Account | None = None) -> list[Entitlement]:
    return list(await r.connector.list_access(who or account(r), frozenset(kinds)))


def row(r: Rig, kind: EntitlementKind, vendor_id: str, employee_no: str = TANAKA) -> Entitlement:
    return Entitlement(Service.GOOGLE_WORKSPACE, r.account_id(employee_no), kind, vendor_id)


def error(code: int, reason: str, message: str = "m") -> str:
    return json.dumps({"error": {"code": code, "message": message, "errors": [{"reason": reason, "domain": "global"}]}})


def writes(r: Rig) -> list[str]:
    return [q.line for q in r.stage.journal if q.method != "GET" and q.path != "/token"]


WRITES = {
    K.SIGN_IN: ("account", "PUT /admin/directory/v1/users/"),
    K.PASSWORD: ("account", "PUT /admin/directory/v1/users/"),
    K.RECOVERY: ("email", "PUT /admin/directory/v1/users/"),
    K.SESSION: ("account", "POST .*/signOut"),
    K.GRANT: ("zoom", "DELETE .*/tokens/"),
    K.APP_PASSWORD: ("1", "DELETE .*/asps/1"),
    K.BACKUP_CODE: ("account", "POST .*/verificationCodes/invalidate"),
    K.ROLE: ("role", "DELETE .*/roleassignments/"),
    K.GROUP: (group_id("all"), "DELETE .*/members/"),
}


async def one(r: Rig, kind: EntitlementKind) -> Entitlement:
    """Return a row of this kind that the account holds."""
    vendor_id = WRITES[kind][0]
    if vendor_id in {"zoom", "role"}:
        return (await rows_of(r, kind))[0]
    return row(r, kind, vendor_id)


class TestRevoke:
    async def test_all(self) -> None:
        """Every row of an account, in the manifest's order, is gone for a fresh read; nobody else is touched."""
        async with rig(page_size=2) as r:
            listing = await r.connector.list_access(account(r))
            await r.connector.freeze(account(r))
            for entitlement in sorted(listing, key=lambda e: MANIFEST.kinds[e.kind].order):
                if not MANIFEST.kinds[entitlement.kind].frozen:
                    receipt = await r.connector.revoke(entitlement)
                    assert receipt.result in {COMMANDED, ABSENT}
            assert r.held(r.account_id(TANAKA)) == set()
            after = await r.connector.list_access(account(r))
            assert {e.kind for e in after} == {K.SESSION, K.PASSWORD}  # the stamps
            assert all(e.ended_at is not None for e in after)
            assert r.changed() == {r.account_id(TANAKA)}

    @pytest.mark.parametrize("kind", list(WRITES))
    async def test_twice(self, kind: EntitlementKind) -> None:
        """Revoking again changes nothing and says so, with evidence that ends with an answer."""
        async with rig() as r:
            entitlement = await one(r, kind)
            first, second = await r.connector.revoke(entitlement), await r.connector.revoke(entitlement)
            assert first.result is COMMANDED
            tells = kind in {K.GRANT, K.APP_PASSWORD, K.ROLE, K.GROUP}
            assert second.result is (ABSENT if tells else COMMANDED)
            assert all(e.status is not None for e in second.evidence)
            assert r.changed() <= {r.account_id(TANAKA)}

    @pytest.mark.parametrize("kind", list(WRITES))
    @pytest.mark.parametrize("acted", [False, True], ids=["before", "after"])
    async def test_lost(self, kind: EntitlementKind, acted: bool) -> None:
        """A write whose answer is lost is not sent again, by us or by the SDK: the outcome is not known."""
        async with rig() as r:
            entitlement = await one(r, kind)
            pattern = WRITES[kind][1]
            for fault in (
                Fault(pattern, drop=True, after=acted),
                Fault(pattern, status=503, body=error(503, "backendError"), after=acted),
                Fault(pattern, status=500, body="<html>", after=acted),
            ):
                before = len(writes(r))
                r.stage.faults[:] = [fault]
                with pytest.raises(OutcomeUnknown) as caught:
                    await r.connector.revoke(entitlement)
                assert len(writes(r)) == before + 1
                assert caught.value.evidence
                if acted and kind is K.ROLE:
                    break  # the read before the write now says that it is gone
            assert r.changed() <= {r.account_id(TANAKA)}

    @pytest.mark.parametrize("kind", list(WRITES))
    async def test_throttled(self, kind: EntitlementKind) -> None:
        """What Google surely did not do is sent again; the receipt shows each try."""
        async with rig() as r:
            entitlement = await one(r, kind)
            pattern = WRITES[kind][1]
            r.stage.faults += [
                Fault(pattern, status=403, body=error(403, "quotaExceeded")),
                Fault(pattern, status=429, body=error(429, "rateLimitExceeded")),
            ]
            receipt = await r.connector.revoke(entitlement)
            assert receipt.result is COMMANDED
            assert [e.code for e in receipt.evidence if e.status in {403, 429}] == [
                "quotaExceeded",
                "rateLimitExceeded",
            ]

    async def test_throttled_for_good(self) -> None:
        """Throttling that does not end is an error that says how long to wait, and nothing was done."""
        async with rig() as r:
            fault = Fault("signOut", status=429, body="{}", headers={"Retry-After": "99"}, times=None)
            r.stage.faults.append(fault)
            with pytest.raises(Throttled) as caught:
                await r.connector.revoke(row(r, K.SESSION, "account"))
            assert caught.value.retry_after is not None
            assert caught.value.retry_after.total_seconds() == 99
            assert len(writes(r)) == 1  # longer than this owner waits
            assert r.changed() == set()

    @pytest.mark.parametrize("kind", list(WRITES))
    async def test_no_such_user(self, kind: EntitlementKind) -> None:
        """A user that Google does not know is never "already gone": the tenant or the key may be the wrong one."""
        async with rig() as r:
            entitlement = await one(r, kind)
            nobody = Entitlement(Service.GOOGLE_WORKSPACE, "9" * 21, kind, entitlement.vendor_id)
            with pytest.raises(Unintelligible):
                await r.connector.revoke(nobody)
            assert r.changed() == set()

    async def test_never_read(self) -> None:
        """A row that stands for a kind which could not be read cannot be revoked."""
        async with rig() as r:
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row(r, K.GRANT, "*"))
            assert r.stage.journal == []

    @pytest.mark.parametrize("kind", [K.GRANT, K.GROUP, K.ROLE])
    @pytest.mark.parametrize("vendor_id", ["..", ".", ""])
    async def test_what_stands_above(self, kind: EntitlementKind, vendor_id: str) -> None:
        """An id that would turn the path into another thing's is not sent to Google."""
        async with rig() as r:
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row(r, kind, vendor_id))
            assert r.stage.journal == []

    @pytest.mark.parametrize("kind", [K.RECOVERY, K.APP_PASSWORD])
    async def test_no_listing_gives_it(self, kind: EntitlementKind) -> None:
        """An id that no listing can have given is not sent to Google."""
        async with rig() as r:
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row(r, kind, "none"))
            assert r.stage.journal == []

    async def test_answer_about_another(self) -> None:
        """A write that is answered for another user is not taken for done."""
        async with rig() as r:
            r.stage.faults.append(Fault("PUT", status=200, body='{"id": "1"}'))
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row(r, K.SIGN_IN, "account"))

    @pytest.mark.parametrize("body", ["{}", '{"suspended": true}'])
    async def test_answer_that_names_nobody(self, body: str) -> None:
        """Google's answer holds what was changed, not always whom: the write is accepted, and the read decides."""
        async with rig() as r:
            r.stage.faults.append(Fault("PUT", status=200, body=body, after=True, times=None))
            assert (await r.connector.revoke(row(r, K.SIGN_IN, "account"))).result is COMMANDED
            assert [p.result for p in await r.connector.freeze(account(r))] == [COMMANDED] * 3

    @pytest.mark.parametrize("body", ["[]", "<html>"])
    async def test_answer_without_sense(self, body: str) -> None:
        """A write that is answered with something else may have been carried out: it is read back."""
        async with rig() as r:
            r.stage.faults.append(Fault("PUT", status=200, body=body))
            with pytest.raises(OutcomeUnknown):
                await r.connector.revoke(row(r, K.SIGN_IN, "account"))

    async def test_unreachable(self) -> None:
        """When no connection can be made, nothing was sent, and it says so."""
        async with rig() as r:
            entitlement = row(r, K.SIGN_IN, "account")
            r.connector._transport.directory._baseUrl = "http://127.0.0.1:1/"  # type: ignore[attr-defined]  # nobody listens
            r.connector._requests.users._baseUrl = "http://127.0.0.1:1/"  # type: ignore[attr-defined]  # nobody listens
            with pytest.raises(Unreachable):
                await r.connector.revoke(entitlement)


class TestOrderMatters:
    async def test_codes_after_the_block(self) -> None:
        """Google invalidates no backup codes of a suspended user: a refusal with its reason, and the row stays."""
        async with rig() as r:
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            receipt = await r.connector.revoke(row(r, K.BACKUP_CODE, "account"))
            assert receipt.result is REFUSED
            assert "suspended" in receipt.text
            assert [e.code for e in receipt.evidence if e.status == 400] == ["invalid"]
            assert len(await rows_of(r, K.BACKUP_CODE)) == 1

    async def test_codes_gone_before_the_block(self) -> None:
        """Codes that were invalidated before the block are absent after it."""
        async with rig() as r:
            await r.connector.revoke(row(r, K.BACKUP_CODE, "account"))
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            assert (await r.connector.revoke(row(r, K.BACKUP_CODE, "account"))).result is ABSENT

    async def test_other_trouble_with_codes(self) -> None:
        """Another refusal of that call is not mistaken for this one."""
        async with rig() as r:
            r.stage.faults.append(Fault("invalidate", status=400, body=error(400, "badRequest")))
            with pytest.raises(Unintelligible):
                await r.connector.revoke(row(r, K.BACKUP_CODE, "account"))

    async def test_grants_refused_after_the_block(self) -> None:
        """Where grants of a suspended user answer 401, revoking one is our failure and closes nothing."""
        async with rig(tokens_after_suspension="401") as r:
            (grant, *_) = await rows_of(r, K.GRANT)
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            with pytest.raises(Denied):
                await r.connector.revoke(grant)

    async def test_slow_directory(self) -> None:
        """A read that still shows the state before the cut keeps the row open."""
        async with rig(settle=60) as r:
            await r.connector.revoke(row(r, K.SIGN_IN, "account"))
            assert len(await rows_of(r, K.SIGN_IN)) == 1

    def test_manifest(self) -> None:
        """What dies with the block comes before it, and is marked."""
        assert MANIFEST.kinds[K.BACKUP_CODE].dies_with_block
        assert all(line.order < 0 for line in MANIFEST.kinds.values() if line.dies_with_block or line.frozen)
        assert [k for k, line in MANIFEST.kinds.items() if line.order == 0] == [K.SIGN_IN]


class TestGone:
    """To be gone already needs the exact code of that call, and a fresh read that agrees."""

    @pytest.mark.parametrize(
        ("kind", "code", "reason"),
        [
            (K.GRANT, 404, "notFound"),
            (K.APP_PASSWORD, 400, "invalid"),
            (K.APP_PASSWORD, 400, "invalidParameter"),
            (K.APP_PASSWORD, 404, "notFound"),
            (K.GROUP, 404, "notFound"),
            (K.ROLE, 404, "notFound"),
        ],
    )
    async def test_still_listed(self, kind: EntitlementKind, code: int, reason: str) -> None:
        """Google says that it is not there and lists it all the same: not gone."""
        async with rig() as r:
            entitlement = await one(r, kind)
            r.stage.faults.append(Fault(WRITES[kind][1], status=code, body=error(code, reason)))
            with pytest.raises(Unintelligible):
                await r.connector.revoke(entitlement)

    @pytest.mark.parametrize(("code", "reason"), [(404, "notFoundAtAll"), (409, "conflict"), (400, "badRequest")])
    async def test_other_codes(self, code: int, reason: str) -> None:
        """A code that only resembles it says nothing, even if the thing is gone."""
        async with rig() as r:
            for kind in (K.GRANT, K.APP_PASSWORD, K.GROUP, K.ROLE):
                entitlement = await one(r, kind)
                r.stage.faults[:] = [Fault(WRITES[kind][1], status=code, body=error(code, reason), after=True)]
                with pytest.raises(Unintelligible):
                    await r.connector.revoke(entitlement)

    @pytest.mark.parametrize("kind", [K.GRANT, K.APP_PASSWORD, K.GROUP])
    async def test_in_newer_words(self, kind: EntitlementKind) -> None:
        """Google's newer APIs say it with a status alone; the fresh read decides here too."""
        async with rig() as r:
            entitlement = await one(r, kind)
            body = '{"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}}'
            r.stage.faults.append(Fault(WRITES[kind][1], status=404, body=body, after=True))
            assert (await r.connector.revoke(entitlement)).result is ABSENT

    async def test_cannot_look(self) -> None:
        """If the fresh read fails, it is not gone."""
        async with rig() as r:
            entitlement = await one(r, K.GRANT)
            await r.connector.revoke(entitlement)
            r.stage.faults.append(Fault("GET .*/tokens", status=500, body="{}", times=None))
            with pytest.raises(Unreachable):
                await r.connector.revoke(entitlement)

    async def test_group_deleted(self) -> None:
        """A group that is deleted has no members."""
        async with rig() as r:
            entitlement = await one(r, K.GROUP)
            del r.tenant.groups[entitlement.vendor_id]
            assert (await r.connector.revoke(entitlement)).result is ABSENT

    async def test_dynamic_group(self) -> None:
        """A membership that Google computes cannot be removed: refused, with Google's word."""
        async with rig() as r:
            receipt = await r.connector.revoke(row(r, K.GROUP, group_id("everyone-active"), "E1004"))
            assert (receipt.result, receipt.evidence[-1].code) == (REFUSED, "conditionNotMet")


class TestRoles:
    async def test_through_a_group(self) -> None:
        """A group's role is never deleted for one member's sake: it goes with the membership."""
        async with rig() as r:
            twin = Account(Service.GOOGLE_WORKSPACE, user_id("adm-sho.ito"), label="t@hoshizora.example")
            (indirect,) = [e for e in await rows_of(r, K.ROLE, who=twin) if e.problem]
            receipt = await r.connector.revoke(indirect)
            assert receipt.result is REFUSED
            assert writes(r) == []
            membership = Entitlement(Service.GOOGLE_WORKSPACE, twin.id, K.GROUP, group_id("it-admins"))
            await r.connector.revoke(membership)
            assert indirect.id not in {e.id for e in await rows_of(r, K.ROLE, who=twin)}
            assert user_id("makoto.kobayashi") not in r.changed()

    async def test_super_admin(self) -> None:
        """A super admin becomes an ordinary user, by the one call that does it."""
        async with rig() as r:
            receipt = await r.connector.revoke(row(r, K.ROLE, "super_admin", "E1009"))
            assert receipt.result is COMMANDED
            assert [e for e in await rows_of(r, K.ROLE, who=account(r, "E1009")) if e.vendor_id == "super_admin"] == []
            assert r.changed() == {r.account_id("E1009")}

    @pytest.mark.parametrize("kind", [K.SIGN_IN, K.SESSION, K.ROLE])
    async def test_not_a_super_admin(self, kind: EntitlementKind) -> None:
        """Who is no super admin cannot touch an administrator: denied, with the remedy, and nothing changed."""
        async with rig(admin="delegated") as r:
            with pytest.raises(Denied, match="forbidden") as caught:
                await r.connector.revoke(await one(r, kind))
            assert "super admin" in caught.value.advice
            assert r.changed() == set()

    async def test_refused(self) -> None:
        """Google's refusal because of the assignment's state is a receipt, with its word."""
        async with rig() as r:
            entitlement = await one(r, K.ROLE)
            r.stage.faults.append(Fault("DELETE", status=400, body=error(400, "failedPrecondition")))
            receipt = await r.connector.revoke(entitlement)
            assert (receipt.result, receipt.evidence[-1].code) == (REFUSED, "failedPrecondition")

    @pytest.mark.parametrize("body", [error(404, "notFound", "Resource Not Found: userKey"), error(404, "notFound")])
    async def test_cannot_read_it_first(self, body: str) -> None:
        """If Google does not show whose an assignment is, nothing is deleted."""
        async with rig() as r:
            entitlement = await one(r, K.ROLE)
            r.stage.faults.append(Fault("GET .*/roleassignments", status=404, body=body))
            with pytest.raises(Unintelligible):
                await r.connector.revoke(entitlement)
            assert writes(r) == []

    async def test_foreign_assignment(self) -> None:
        """An assignment that is not in the account's own list is not deleted."""
        async with rig() as r:
            entitlement = await one(r, K.ROLE)
            theirs = Entitlement(Service.GOOGLE_WORKSPACE, r.account_id("E1002"), K.ROLE, entitlement.vendor_id)
            assert (await r.connector.revoke(theirs)).result is ABSENT
            assert writes(r) == []

    async def test_by_listing_alone(self) -> None:
        """Whose an assignment is, is read from the account's list: the one read of it that every client uses."""
        async with rig() as r:
            entitlement = await one(r, K.ROLE)
            r.stage.faults.append(Fault(r"GET .*roleassignments/\d", status=404, body="<html>", times=None))
            assert (await r.connector.revoke(entitlement)).result is COMMANDED


class TestFreeze:
    async def test_one_write(self) -> None:
        """Password and ways of recovery go in one write; a receipt for each."""
        async with rig() as r:
            receipts = await r.connector.freeze(account(r))
            assert [(q.rpartition(":")[2], x) for q, x in ((p.entitlement_id, p.result) for p in receipts)] == [
                ("account", COMMANDED),
                ("email", COMMANDED),
                ("phone", COMMANDED),
            ]
            assert len(writes(r)) == 1
            user = r.tenant.users[r.account_id(TANAKA)]
            assert (user.recovery_email, user.recovery_phone, user.change_password) == ("", "", True)
            assert user.password_sha256 != "known to the user"
            assert r.changed() == {user.id}

    async def test_the_password(self) -> None:
        """The password is strong, new each time, and in nothing that we keep."""
        async with rig() as r:
            kept = [repr(await r.connector.freeze(account(r))) for _ in range(2)]
            sent = [json.loads(q.body)["password"] for q in r.stage.journal if q.method == "PUT"]
            assert len(set(sent)) == 2
            assert all(len(password) == 64 for password in sent)
            assert not any(password in text for password in sent for text in kept)

    async def test_twice(self) -> None:
        """A second freeze finds nothing to recover by, and says so for each."""
        async with rig() as r:
            await r.connector.freeze(account(r))
            receipts: list[Receipt] = await r.connector.freeze(account(r))
            assert [p.result for p in receipts] == [COMMANDED, ABSENT, ABSENT]

    async def test_confirmed_by_the_log(self) -> None:
        """The password's stamp comes after the command on the vendor's clock."""
        async with rig() as r:
            receipts = await r.connector.freeze(account(r))
            (password,) = await rows_of(r, K.PASSWORD)
            assert password.ended_at is not None
            assert password.ended_at >= receipts[0].evidence[-1].commanded_on_vendor_clock()

    async def test_wrong_user_read(self) -> None:
        """If the read before it is about somebody else, nothing is written."""
        async with rig() as r:
            r.stage.faults.append(Fault("GET .*/users/", status=200, body='{"id": "1"}'))
            with pytest.raises(Unintelligible):
                await r.connector.freeze(account(r))
            assert writes(r) == []


class TestRestore:
    async def test_what_can_be(self) -> None:
        """Sign-in, roles and memberships come back as they were, the role in each group included."""
        async with rig() as r:
            before = {i for i in r.held(r.account_id(TANAKA)) if i.split(":")[2] in {"sign_in", "role", "group"}}
            rows = [e for e in await r.connector.list_access(account(r)) if e.id in before]
            for entitlement in rows:
                await r.connector.revoke(entitlement)
            for entitlement in rows:
                receipt = await r.connector.restore(entitlement, entitlement.prestate)
                assert receipt.result is COMMANDED
            assert r.held(r.account_id(TANAKA)) >= before
            roles = {e.vendor_id: e.prestate["role"] for e in await rows_of(r, K.GROUP)}
            assert roles[group_id("price-list")] == "OWNER"

    async def test_twice(self) -> None:
        """Restoring again adds nothing."""
        async with rig() as r:
            rows = await rows_of(r, K.GROUP, K.ROLE)
            receipts = [await r.connector.restore(e, e.prestate) for e in rows]
            assert {p.result for p in receipts} == {ABSENT}
            assert r.changed() == set()

    async def test_super_admin(self) -> None:
        """A super admin is made one again."""
        async with rig() as r:
            (right,) = [e for e in await rows_of(r, K.ROLE, who=account(r, "E1009")) if e.vendor_id == "super_admin"]
            await r.connector.revoke(right)
            await r.connector.restore(right, right.prestate)
            assert r.tenant.users[r.account_id("E1009")].is_admin
            r.stage.faults.append(Fault("POST .*/makeAdmin", status=403))
            with pytest.raises(ConnectorError, match=f"cannot make {r.account_id('E1009')} super admin"):
                await r.connector.restore(right, right.prestate)

    async def test_suspended_for_abuse(self) -> None:
        """A suspension that Google made for abuse is Google's to lift."""
        async with rig() as r:
            user = r.tenant.users[r.account_id(TANAKA)]
            user.suspended, user.suspension_reason = True, "ABUSE"
            receipt = await r.connector.restore(row(r, K.SIGN_IN, "account"), {"suspended": False})
            assert (receipt.result, receipt.evidence[-1].code) == (REFUSED, "adminCannotUnsuspend")

    @pytest.mark.parametrize("kind", [k for k, v in MANIFEST.kinds.items() if v.restores is Restorability.RE_ENROL])
    async def test_what_cannot_be(self, kind: EntitlementKind) -> None:
        """What only its owner can enrol again is refused before anything is sent."""
        async with rig() as r:
            with pytest.raises(ConnectorError, match="enrol again"):
                await r.connector.restore(row(r, kind, "account"), {})
            assert r.stage.journal == []

    @pytest.mark.parametrize("kind", [K.GROUP, K.ROLE])
    async def test_nothing_kept(self, kind: EntitlementKind) -> None:
        """Without what was kept before the cut, nothing is guessed."""
        async with rig() as r:
            with pytest.raises(Unintelligible, match="was kept"):
                await r.connector.restore(row(r, kind, "1"), {})

    @pytest.mark.parametrize(
        ("kind", "prestate", "path"),
        [(K.SIGN_IN, {"suspended": False}, "PUT"), (K.GROUP, {"role": "MEMBER"}, "POST .*/members")],
    )
    async def test_other_refusals(self, kind: EntitlementKind, prestate: dict[str, Any], path: str) -> None:
        """A refusal that is not the known one is an error."""
        async with rig() as r:
            r.stage.faults.append(Fault(path, status=412, body=error(412, "conditionNotMet")))
            with pytest.raises(Unintelligible):
                await r.connector.restore(row(r, kind, group_id("all")), prestate)
