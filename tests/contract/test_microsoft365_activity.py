"""Microsoft's audit log and Entra's own, read whole on a real socket: nothing is lost, and nothing found is no answer by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.activity import Window
from connectors.errors import (
    CursorExpired,
    Denied,
    NotOnPlan,
    NotRecorded,
    Unreachable,
)
from connectors.microsoft365.activity.sources import BACKGROUND, DIRECTORY, PURVIEW, SIGN_INS
from emulators.activity_profiles import by_program, heavy_leaver, ordinary
from emulators.fault_proxy import Fault
from emulators.microsoft365 import AuditOptions
from emulators.microsoft365.permissions import READ_TIER
from models.vocabulary import Account, AccountKind, ActivityKind
from tests.contract.logs_microsoft365 import (
    NOW,
    POLL,
    QUERIES,
    TODAY,
    WINDOW,
    Reading,
    account,
    read,
    submissions,
    truth,
    views,
)
from tests.contract.rig import Rig
from tests.contract.rig_microsoft365 import rig


def made_at(r: Rig, account: Account) -> datetime:
    return datetime.fromisoformat(r.tenant.directory.users[account.id]["createdDateTime"])


def periods(reading: Reading) -> dict[str, list[tuple[datetime | None, datetime | None]]]:
    """Return by name since when and until when it was the account's, as the last page that tells of it says."""
    told: dict[str, list[tuple[datetime | None, datetime | None]]] = {}
    for page in reading.pages:
        told |= {one.name: [] for one in page.names}
        for one in page.names:
            told[one.name].append((one.since, one.until))
    return told


def update(user: str, at: datetime, old: list[str], new: list[str]) -> dict[str, Any]:
    """Return a change of an account's addresses as Entra's log of changes has it."""
    changed = {"displayName": "ProxyAddresses", "oldValue": json.dumps(old), "newValue": json.dumps(new)}
    target = {"id": user, "type": "User", "modifiedProperties": [changed]}
    return {
        "activityDisplayName": "Update user",
        "activityDateTime": at.isoformat(),
        "initiatedBy": {},
        "targetResources": [target],
    }


class TestComplete:
    async def test_the_37_000(self) -> None:
        """Half a year with 37,000 downloads in it comes whole, by one submission."""
        window = Window(NOW - timedelta(days=179), NOW)
        async with rig() as r:
            leaver = account(r, habit=heavy_leaver("leaver", TODAY - timedelta(days=1)))
            reading = await read(r, leaver, window=window)
            downloads = [x for x in reading.records.values() if x.raw["operation"] == "FileDownloaded"]
            assert len(downloads) > 37_000
            (search_,) = r.tenant.purview.searches.values()
            assert (len(reading.records), reading.gaps) == (len(search_.found), [])

    async def test_one_a_page(self) -> None:
        """Pages of one record, and an empty page that has a next link, lose nothing."""
        async with rig(page_size=1, empty_page=True) as r:
            leaver = account(r, habit=views(15))
            reading = await read(r, leaver)
            assert len(reading.records) == 15
            assert any(not p.records and p.cursor for p in reading.pages)

    async def test_repeated_page(self) -> None:
        """A page that comes twice gives the same ids twice, and evidence holds them once."""
        async with rig(page_size=4, audit=AuditOptions(repeated=True)) as r:
            leaver = account(r, habit=views(10))
            reading = await read(r, leaver)
            assert len(reading.records) == 10
            assert sum(len(page.records) for page in reading.pages) == 14

    async def test_own_records_only(self) -> None:
        """The window is the caller's: what lies outside it, by however little, is not handed over."""
        async with rig() as r:
            leaver = account(r, habit=views(1))
            r.tenant.book.behave(leaver.id, None)
            inside = r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.from_at)
            r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.until_at)
            r.tenant.book.write(leaver.id, "FileDownloaded", at=WINDOW.from_at - timedelta(seconds=1))
            assert set((await read(r, leaver)).records) == {inside}

    async def test_parts_of_a_second(self) -> None:
        """A window between two whole seconds is asked for whole: the vendor's filter knows no finer time."""
        async with rig() as r:
            leaver = account(r)
            r.tenant.book.behave(leaver.id, None)
            at = WINDOW.until_at.replace(microsecond=0)
            last = r.tenant.book.write(leaver.id, "FileDownloaded", at=at)
            window = Window(at - timedelta(days=1, microseconds=5), at + timedelta(microseconds=5))
            assert set((await read(r, leaver, window=window)).records) == {last}

    async def test_former_name(self) -> None:
        """What was logged under a former sign-in name is found as long as the name lives on as an address."""
        async with rig() as r:
            leaver = account(r, "E1005", views(3))
            former = next(
                address[5:]
                for address in r.tenant.directory.users[leaver.id]["proxyAddresses"]
                if "watanabe" in address
            )
            old = r.tenant.book.write(leaver.id, "FileDownloaded", at=NOW - timedelta(days=9), upn=former)
            assert old in (await read(r, leaver)).records

    async def test_a_name_that_lives_on_nowhere_but_in_entra_s_log(self) -> None:
        """The records are found and the name is told, so that whoever counts them knows whose they are."""
        async with rig() as r:
            leaver = account(r, habit=views(3))
            former = r.tenant.directory.users[leaver.id]["userPrincipalName"]
            old = r.tenant.book.write(leaver.id, "FileDownloaded", at=NOW - timedelta(days=9), upn=former)
            r.tenant.rename(leaver.id, f"married.{former}")
            reading = await read(r, leaver)
            assert old in reading.records
            told = {one.name: one for page in reading.pages for one in page.names}
            assert {former, f"married.{former}"} <= told.keys()
            assert told[former].until is not None

    async def test_a_former_name_that_is_another_s_today(self) -> None:
        """What a colleague did under it is not the leaver's: it is not searched for, and that is said."""
        async with rig() as r:
            leaver, colleague = account(r, habit=views(3)), account(r, "E1002")
            former = r.tenant.directory.users[leaver.id]["userPrincipalName"]
            r.tenant.rename(leaver.id, f"married.{former}")
            r.tenant.rename(colleague.id, former)
            r.tenant.book.write(colleague.id, "FileDownloaded", at=NOW - timedelta(days=2))
            reading = await read(r, leaver)
            assert {record.raw["userId"] for record in reading.records.values()} == {f"married.{former}"}
            assert former not in {one.name for page in reading.pages for one in page.names}
            assert reading.reasons == {"name_reused"}

    async def test_a_former_name_that_is_given_away_while_the_log_is_read(self) -> None:
        """It is not searched for from then on, and that is said."""
        async with rig() as r:
            leaver, colleague = account(r, habit=views(3)), account(r, "E1002")
            former = r.tenant.directory.users[leaver.id]["userPrincipalName"]
            r.tenant.rename(leaver.id, f"married.{former}")
            reading = await read(r, leaver, before=lambda n: r.tenant.rename(colleague.id, former) if n == 1 else None)
            assert (submissions(r) > 0, reading.reasons) == (True, {"name_reused"})

    async def test_no_name_that_is_its_own_any_more(self) -> None:
        """Deleted, and the name given to a colleague: nothing is searched, least of all everybody."""
        async with rig() as r:
            gone, colleague = account(r), account(r, "E1002", views(5))
            former = r.tenant.directory.users[gone.id]["userPrincipalName"]
            del r.tenant.directory.users[gone.id]
            r.tenant.rename(colleague.id, former)
            reading = await read(r, replace(gone, label=former))
            assert (reading.records, reading.reasons, submissions(r)) == ({}, {"address", "names_unseen"}, 0)

    async def test_an_address_that_is_another_account_s_sign_in_name(self) -> None:
        """An administrator's account whose mail is the everyday one: what is logged there is that one's, and nothing is lacking."""
        async with rig() as r:
            admin, everyday = account(r, "E1002", views(3)), account(r, habit=views(5))
            name = r.tenant.directory.users[everyday.id]["userPrincipalName"]
            r.tenant.directory.users[admin.id]["mail"] = name
            reading = await read(r, admin)
            assert (len(reading.records), reading.reasons) == (3, set())

    async def test_without_the_right_to_see_former_names(self) -> None:
        """The search goes on by the present ones, and lacks something."""
        async with rig(permissions=READ_TIER - {"AuditLog.Read.All"}) as r:
            reading = await read(r, account(r, habit=views(3)))
            assert (len(reading.records), reading.reasons) == (3, {"names_denied"})

    async def test_on_a_plan_that_shows_no_former_names(self) -> None:
        """That is lacking for good; where the plan would show them it is an answer to ask for again."""
        for plan in ("free", "P1"):
            async with rig(plan=plan) as r:
                leaver = account(r, habit=views(3))
                denied = json.dumps({"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}})
                audits = "GET /v1.0/auditLogs/directoryAudits"
                r.stage.faults.append(Fault(audits, status=403, body=denied, times=None))
                if plan == "free":
                    assert (await read(r, leaver)).reasons == {"names_unseen"}
                else:
                    with pytest.raises(Unreachable):
                        await read(r, leaver)

    async def test_on_a_plan_that_cannot_be_read(self) -> None:
        """Nobody knows whether former names are lacking for good: they are looked for again."""
        async with rig(plan="P1") as r:
            denied = json.dumps({"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant"}})
            for path in ("auditLogs/directoryAudits", "subscribedSkus"):
                r.stage.faults.append(Fault(f"GET /v1.0/{path}", status=403, body=denied, times=None))
            assert (await read(r, account(r, habit=views(3)))).reasons == {"names_denied"}

    async def test_a_name_since_it_was_given_to_the_account(self) -> None:
        """What the name's holder before did under it is somebody else's, as far back as Entra's log tells of the change."""
        async with rig() as r:
            leaver, other = account(r, habit=views(3)), account(r, "E1002")
            before = r.tenant.directory.users[other.id]["userPrincipalName"]
            first = r.tenant.directory.users[leaver.id]["userPrincipalName"]
            del r.tenant.directory.users[other.id]
            r.tenant.rename(leaver.id, before)
            r.tenant.rename(leaver.id, f"third.{first}")
            r.tenant.rename(leaver.id, before)
            told = periods(await read(r, leaver))
            changes = [datetime.fromisoformat(row["activityDateTime"]) for row in r.tenant.audit]
            assert told[before] == [(changes[2], None), (changes[0], changes[1])]
            assert told[first] == [(made_at(r, leaver), changes[0])]
            assert told[f"third.{first}"] == [(changes[1], changes[2])]

    async def test_renamed_and_back(self) -> None:
        """An administrator's slip of five minutes: what was done before it, and since, is the account's."""
        async with rig() as r:
            leaver = account(r, habit=views(3))
            row = r.tenant.directory.users[leaver.id]
            name = row["userPrincipalName"]
            row |= {"mail": "hanako@mail.example", "proxyAddresses": ["SMTP:hanako@mail.example"]}
            r.tenant.rename(leaver.id, f"oops.{name}")
            r.tenant.rename(leaver.id, name)
            changes = [datetime.fromisoformat(row["activityDateTime"]) for row in r.tenant.audit]
            r.tenant.audit.reverse()  # Entra gives the newest first
            told = periods(await read(r, leaver))
            assert told[name] == [(changes[1], None), (made_at(r, leaver), changes[0])]

    async def test_an_address_since_it_was_given_to_the_account(self) -> None:
        """One that it was reached by already before it signed in by it counts from then on; in whatever order the log tells."""
        async with rig() as r:
            leaver = account(r, habit=views(3))
            row, held, at = r.tenant.directory.users[leaver.id], "given@hoshizora.example", NOW - timedelta(days=9)
            r.tenant.audit.append(update(leaver.id, at + timedelta(days=1), [f"smtp:{held}"], [f"SMTP:{held}"]))
            r.tenant.audit.append(
                update(leaver.id, at, ["X500:/o=x@y"], [f"smtp:{held}", "SIP:chat@hoshizora.example"])
            )
            row["proxyAddresses"] = [*row["proxyAddresses"], f"smtp:{held}", "SIP:chat@hoshizora.example"]
            told = periods(await read(r, leaver))
            assert told[held] == [(at, None)]
            assert "chat@hoshizora.example" not in told
            r.tenant.rename(leaver.id, held)
            assert periods(await read(r, leaver))[held] == [(at, None)]

    async def test_an_address_that_was_taken_away(self) -> None:
        """With its licence an account loses addresses after the cut: what is logged under them until then is found."""
        async with rig() as r:
            leaver, lost = account(r, "E1005", views(3)), "lost@hoshizora.example"
            done = r.tenant.book.write(leaver.id, "FileDownloaded", at=NOW - timedelta(hours=9), upn=lost)
            r.tenant.audit.append(update(leaver.id, NOW - timedelta(hours=1), [f"smtp:{lost}"], []))
            reading = await read(r, leaver)
            assert done in reading.records
            assert periods(reading)[lost] == [(made_at(r, leaver), NOW - timedelta(hours=1))]

    async def test_the_names_of_another_target_of_the_same_change(self) -> None:
        async with rig() as r:
            leaver, other = account(r, habit=views(3)), account(r, "E1002")
            change = update(leaver.id, NOW - timedelta(days=9), [], [])
            theirs = update(other.id, NOW, ["smtp:theirs@x.example"], [])["targetResources"]
            r.tenant.audit.append(change | {"targetResources": [*theirs, *change["targetResources"]]})
            assert "theirs@x.example" not in periods(await read(r, leaver))

    async def test_a_guest(self) -> None:
        """The log calls a guest by the name that this tenant made for it, which is told."""
        async with rig() as r:
            guest = account(r, "X2001", views(4))
            reading = await read(r, guest)
            named = {str(record.raw["userId"]).casefold() for record in reading.records.values()}
            assert len(reading.records) == 4
            assert named <= {one.name for page in reading.pages for one in page.names}
            assert all("#ext#" in name for name in named)

    @pytest.mark.parametrize("named", [False, True])
    async def test_a_guest_that_was_deleted(self, named: bool) -> None:
        """Its label is the address at home: unless Entra's log has the name that this tenant made, that log is not searched by it."""
        async with rig() as r:
            guest = account(r, "X2001", views(4))
            row = r.tenant.directory.users[guest.id]
            done = r.tenant.book.write(
                guest.id, "FileDownloaded", at=NOW - timedelta(days=1), upn=row["userPrincipalName"]
            )
            del r.tenant.directory.users[guest.id]
            if named:
                deletion = update(guest.id, NOW, [], [])
                (target,) = deletion["targetResources"]
                called = guest.id.replace("-", "") + row["userPrincipalName"]
                r.tenant.audit.append(deletion | {"targetResources": [target | {"userPrincipalName": called}]})
            reading = await read(r, replace(guest, label=row["mail"], kind=AccountKind.GUEST))
            assert reading.reasons == ({"names_unseen"} if named else {"names_unseen", "address"})
            assert (done in reading.records) is named

    async def test_late(self) -> None:
        """A record that comes late is in the second look, which asks for the tail alone."""
        async with rig(audit=AuditOptions(lag=24 * 3600)) as r:
            leaver = account(r, habit=views(40))
            late = r.tenant.book.write(leaver.id, "FileDownloaded", at=NOW - timedelta(hours=2))
            first = await read(r, leaver)
            r.tenant.book.shift = timedelta(hours=24)
            tail = Window(WINDOW.until_at - timedelta(hours=25), WINDOW.until_at)
            second = await read(r, leaver, window=tail)
            assert set(first.records) | set(second.records) == truth(r, leaver)
            assert late not in first.records

    async def test_fewer_than_told(self) -> None:
        """A search whose records come short the first time is read again, not submitted again."""
        async with rig(page_size=5, audit=AuditOptions(first_short=True)) as r:
            leaver = account(r, habit=views(20))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.gaps, submissions(r)) == (20, [], 1)

    async def test_fewer_again(self) -> None:
        """If it comes short again, the statement says so."""
        async with rig(page_size=5) as r:
            leaver = account(r, habit=views(20))
            body = json.dumps({"id": "x", "status": "succeeded", "approximateReturnedRecordCount": 400})
            r.stage.faults.append(Fault(POLL, status=200, body=body))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.reasons) == (20, {"fewer"})

    @pytest.mark.parametrize(("readings", "found", "reasons"), [(1, 18, set()), (9, 15, {"fewer"})])
    async def test_a_page_in_the_place_of_another(self, readings: int, found: int, reasons: set[str]) -> None:
        """What comes twice is counted once: it does not stand for what never came."""
        async with rig(page_size=5, audit=AuditOptions(instead=readings)) as r:
            leaver = account(r, habit=views(18))
            reading = await read(r, leaver)
            assert (len(reading.records), reading.reasons, submissions(r)) == (found, reasons, 1)


class TestNothingFound:
    """Nothing is an answer only where something would have been found."""

    async def test_nothing_done(self) -> None:
        """An account that did nothing, in a tenant that records: complete and empty, at the price of one search."""
        async with rig() as r:
            leaver = account(r)
            r.tenant.book.behave(leaver.id, None)
            reading = await read(r, leaver)
            assert (reading.records, reading.gaps, submissions(r)) == ({}, [], 2)

    async def test_auditing_off(self) -> None:
        """With auditing switched off a search succeeds and finds nothing: that is `NotRecorded`, never zero downloads."""
        async with rig(audit=AuditOptions(recording=False)) as r:
            with pytest.raises(NotRecorded) as raised:
                await read(r, account(r, habit=views(10)))
            assert raised.value.evidence

    @pytest.mark.parametrize("source", [PURVIEW, SIGN_INS, BACKGROUND, DIRECTORY])
    async def test_permission(self, source: str) -> None:
        """A missing permission is named, for each log its own."""
        lacking = {"AuditLogsQuery.Read.All"} if source == PURVIEW else {"AuditLog.Read.All"}
        async with rig(permissions=READ_TIER - lacking) as r:
            with pytest.raises(Denied) as raised:
                await read(r, account(r), source)
            assert lacking.pop() in raised.value.advice

    async def test_probe(self) -> None:
        """The doctor names what is missing before it is needed."""
        async with rig(permissions=READ_TIER - {"AuditLogsQuery.Read.All"}) as r:
            problems = (await r.connector.probe()).problems
            assert any("purview" in problem and "AuditLogsQuery.Read.All" in remedy for problem, remedy in problems)

    async def test_refused_without_graphs_words(self) -> None:
        """Purview's own refusal has another shape than Graph's, and is one all the same."""
        async with rig() as r:
            body = '{"Message":"User:x dont have any permissions"}'
            r.stage.faults.append(Fault(rf"GET /v1.0{QUERIES}$", status=403, body=body))
            with pytest.raises(Denied):
                await read(r, account(r))

    @pytest.mark.parametrize("source", [SIGN_INS, BACKGROUND])
    async def test_plan(self, source: str) -> None:
        """Sign-ins need a paid edition: without one, `NotOnPlan`."""
        async with rig(plan="free") as r:
            with pytest.raises(NotOnPlan):
                await read(r, account(r), source)

    async def test_plan_denied_by_whim(self) -> None:
        """A tenant that pays and is told that it does not is asked again later, not given up."""
        body = '{"error": {"code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "message": ""}}'
        async with rig() as r:
            r.stage.faults.append(Fault("auditLogs/signIns", status=403, body=body))
            with pytest.raises(Unreachable):
                await read(r, account(r), SIGN_INS)


class TestEntraLogs:
    async def test_sign_ins(self) -> None:
        """Sign-ins of the last thirty days, page by page, and the rest is a gap."""
        async with rig(page_size=3, empty_page=True) as r:
            leaver = account(r, habit=ordinary("x", TODAY - timedelta(days=1)))
            reading = await read(r, leaver, SIGN_INS, Window(NOW - timedelta(days=90), NOW))
            assert len(reading.records) >= 12
            assert reading.reasons == {"retention"}
            kinds = {a.kind for x in reading.records.values() for a in r.connector.describe(SIGN_INS, x.raw)}
            assert kinds == {ActivityKind.SIGN_IN}

    async def test_without_the_person(self) -> None:
        """What a program did with the leaver's token is there, by its name, and marked as a program's."""
        async with rig(page_size=500) as r:
            leaver = account(r, habit=by_program("x", TODAY - timedelta(days=1), read=40))
            reading = await read(r, leaver, BACKGROUND)
            told = [a for x in reading.records.values() for a in r.connector.describe(BACKGROUND, x.raw)]
            assert len(told) == 40
            assert {(a.kind, a.by_program) for a in told} == {(ActivityKind.TOKEN_USE, True)}

    async def test_directory_changes(self) -> None:
        """What the leaver changed, and what was changed on the leaver, our own block included."""
        async with rig() as r:
            leaver = account(r, habit=heavy_leaver("x", TODAY - timedelta(days=1), taken=10))
            rows = await r.connector.list_access(leaver)
            await r.connector.revoke(next(row for row in rows if row.kind == "sign_in"))
            reading = await read(r, leaver, DIRECTORY, Window(NOW - timedelta(days=29), NOW + timedelta(days=1)))
            told = {a.kind for x in reading.records.values() for a in r.connector.describe(DIRECTORY, x.raw)}
            assert told == {ActivityKind.GRANT, ActivityKind.APP_PASSWORD, ActivityKind.DEVICE, ActivityKind.OTHER}

    @pytest.mark.parametrize(("plan", "days"), [("P1", 30), ("free", 7)])
    async def test_retention(self, plan: str, days: int) -> None:
        """How far back the directory's log goes depends on the edition."""
        async with rig(plan=plan) as r:
            (gap,) = (await read(r, account(r), DIRECTORY, Window(NOW - timedelta(days=60), NOW))).gaps
            assert gap.until_at is not None
            assert abs(gap.until_at - (NOW - timedelta(days=days))) < timedelta(hours=1)

    async def test_token_expired(self) -> None:
        """A page token that is too old: begin again, records that come twice are told apart."""
        async with rig(page_size=3) as r:
            leaver = account(r, habit=ordinary("x", TODAY - timedelta(days=1)))
            r.stage.faults.append(Fault("signIns.*skiptoken", status=400, body='{"error": {"code": "BadRequest"}}'))
            with pytest.raises(CursorExpired):
                await read(r, leaver, SIGN_INS)
