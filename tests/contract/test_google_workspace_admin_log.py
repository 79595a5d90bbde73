"""Google Workspace: the tenant's admin log is read for all leavers together, and tells each only of themselves."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import OutcomeUnknown
from connectors.google_workspace import admin_log
from connectors.kit.pacing import Pace
from emulators.fault_proxy import Fault, Request
from emulators.google_workspace.state import User, user_id
from models.vocabulary import Account, Entitlement, EntitlementKind, EntitlementState, Evidence, Service
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import rig

K = EntitlementKind
STAMPED = frozenset({K.SESSION, K.PASSWORD})
TANAKA, SATO = user_id("misaki.tanaka"), user_id("ken.sato")


def account(r: Rig, key: str) -> Account:
    return Account(Service.GOOGLE_WORKSPACE, key, label=r.tenant.users[key].email)


async def stamps(r: Rig, key: str) -> dict[EntitlementKind, datetime | None]:
    """Return when the account's sessions and password were ended, as the log has it; what is not known is not there."""
    listing = await r.connector.list_access(account(r, key), STAMPED)
    return {row.kind: row.ended_at for row in listing if row.state is EntitlementState.FOUND}


async def evidence(r: Rig, key: str, kind: EntitlementKind) -> list[Evidence]:
    """Return the exchanges with the log that prove the account's row."""
    listing = await r.connector.list_access(account(r, key), frozenset({kind}))
    return [one for one in listing.evidence[kind] if "/reports/" in one.what]


async def revoke(r: Rig, key: str, kind: EntitlementKind) -> Evidence:
    receipt = await r.connector.revoke(Entitlement(Service.GOOGLE_WORKSPACE, key, kind, "account"))
    return receipt.evidence[-1]


def hired(r: Rig, count: int, *, suspended: bool = False) -> list[str]:
    """Hire so many people; no event tells of those who are *suspended*."""
    keys = [user_id(f"hired {n}") for n in range(count)]
    for n, key in enumerate(keys):
        r.tenant.users[key] = User(key, f"hired.{n}@hoshizora.example", "H", str(n), suspended=suspended)
    return keys


def queries(r: Rig) -> list[Request]:
    """Return the requests for records of the log, a probe's apart."""
    return [q for q in r.stage.journal if "/activity/users/" in q.path and "eventName" in q.query]


async def met(r: Rig) -> None:
    """Wait until a request has met the one fault that is set up: it is under way."""
    while any(fault.times != 0 for fault in r.stage.faults):
        await asyncio.sleep(0.01)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a moment be longer than a machine under load may need."""
    monkeypatch.setattr(admin_log, "SHARED_FOR", 60.0)


class TestOneReading:
    @pytest.mark.usefixtures("slow")
    async def test_for_all(self) -> None:
        """However many leavers ask at once, each event is asked for once, of nobody in particular."""
        async with rig() as r:
            keys = hired(r, 50, suspended=True)
            await asyncio.gather(*(stamps(r, key) for key in keys))
            assert len(queries(r)) == 3
            assert not any("filters" in q.query for q in queries(r))

    async def test_before_listings(self) -> None:
        """Everybody waits for the reading: it does not wait behind the listings of fifty other accounts."""
        async with rig() as r:
            await r.connector.probe()
            r.stage.faults.append(Fault("GET .*/groups", delay=0.2, times=None))
            others = [
                asyncio.ensure_future(r.connector.list_access(account(r, key), frozenset({K.GROUP})))
                for key in hired(r, 50)
            ]
            await asyncio.sleep(0.1)
            await evidence(r, TANAKA, K.PASSWORD)
            assert sum(one.done() for one in others) < 25
            await asyncio.gather(*others)

    async def test_one_who_gives_up(self) -> None:
        """Who no longer waits does not take the reading from the others."""
        async with rig() as r:
            await revoke(r, TANAKA, K.PASSWORD)
            r.stage.faults.append(Fault("eventName=CHANGE_PASSWORD", delay=0.5))
            gone, staying = (asyncio.ensure_future(evidence(r, TANAKA, K.PASSWORD)) for _ in range(2))
            await met(r)
            gone.cancel()
            assert [one.status for one in await staying] == [200]
            assert len(queries(r)) == 1


class TestSentAfter:
    @pytest.mark.parametrize("over", [False, True], ids=["under way", "over"])
    async def test_the_command(self, *, over: bool) -> None:
        """A reading under way when an account was asked to change does not answer for it, nor when it is over: the next one does."""
        async with rig() as r:
            r.stage.faults.append(Fault("eventName=CHANGE_PASSWORD", delay=0.5))
            other = asyncio.ensure_future(evidence(r, SATO, K.PASSWORD))
            await met(r)
            asked = await revoke(r, TANAKA, K.PASSWORD)
            if over:
                await other
            (mine,) = await evidence(r, TANAKA, K.PASSWORD)
            assert mine.sent_at >= asked.received_at
            assert (await other)[0].sent_at < asked.sent_at

    @pytest.mark.parametrize("frozen", [False, True], ids=["revoke", "freeze"])
    async def test_the_answer(self, *, frozen: bool) -> None:
        """A reading that was sent while the command was under way does not answer for it either: Google may have acted after it."""
        async with rig() as r:
            r.stage.faults.append(Fault(f"PUT .*/users/{TANAKA}", delay=0.5))
            mine = account(r, TANAKA)
            command = r.connector.freeze(mine) if frozen else revoke(r, TANAKA, K.PASSWORD)
            asked = asyncio.ensure_future(command)
            await met(r)
            await evidence(r, SATO, K.PASSWORD)
            assert not asked.done()
            await asked
            answered = datetime.now(UTC)
            assert [one.sent_at >= answered for one in await evidence(r, TANAKA, K.PASSWORD)] == [True]

    @pytest.mark.parametrize("frozen", [False, True], ids=["revoke", "freeze"])
    async def test_an_answer_that_never_came(self, *, frozen: bool) -> None:
        """A command of which nobody knows what became may have been carried out: no reading from before it answers."""
        async with rig() as r:
            await evidence(r, SATO, K.PASSWORD)
            r.stage.faults.append(Fault(f"PUT .*/users/{TANAKA}", drop=True, after=True))
            mine = account(r, TANAKA)
            with pytest.raises(OutcomeUnknown):
                await (r.connector.freeze(mine) if frozen else revoke(r, TANAKA, K.PASSWORD))
            assert (await stamps(r, TANAKA))[K.PASSWORD] is not None

    @pytest.mark.parametrize(
        ("asked", "kind"),
        [(K.SESSION, K.SESSION), (K.PASSWORD, K.PASSWORD), (K.SIGN_IN, K.SESSION), (None, K.PASSWORD)],
    )
    async def test_each_command(self, asked: EntitlementKind | None, kind: EntitlementKind) -> None:
        """Whatever was asked for that the log will tell of (None: the freeze), no reading from before it answers."""
        async with rig() as r:
            r.tenant.users[SATO].suspended = True
            await evidence(r, SATO, kind)
            if asked is not None:
                await revoke(r, TANAKA, asked)
            else:
                await r.connector.freeze(account(r, TANAKA))
            r.tenant.users[TANAKA].suspended = True
            assert (await stamps(r, TANAKA))[kind] is not None

    @pytest.mark.usefixtures("slow")
    async def test_a_moment_ago(self) -> None:
        """A reading serves for a moment whoever was asked for nothing since; its time in the evidence is the one it was sent at."""
        async with rig() as r:
            (first,) = await evidence(r, SATO, K.PASSWORD)
            before = datetime.now(UTC)
            (second,) = await evidence(r, TANAKA, K.PASSWORD)
            assert second == first
            assert second.sent_at < before


class TestNotAsked:
    async def test_sessions_of_an_active_account(self) -> None:
        """While an account can sign in no ending of sessions counts: a log that hangs holds up no block."""
        async with rig() as r:
            r.stage.faults.append(Fault("/activity/users/", delay=30, times=None))
            listing = await asyncio.wait_for(r.connector.list_access(account(r, TANAKA), frozenset({K.SESSION})), 5)
            assert [(row.state, row.ended_at) for row in listing] == [(EntitlementState.FOUND, None)]
            assert queries(r) == []

    async def test_an_archived_account(self) -> None:
        """One who is archived cannot sign in either: when the sessions were ended is asked for."""
        async with rig() as r:
            await revoke(r, TANAKA, K.SIGN_IN)
            user = r.tenant.users[TANAKA]
            user.suspended, user.archived = False, True
            assert (await stamps(r, TANAKA))[K.SESSION] is not None

    async def test_roles_of_one_who_has_none(self) -> None:
        """What the tenant's roles are called is asked for an account that has one."""
        async with rig() as r:
            await r.connector.list_access(account(r, SATO), frozenset({K.ROLE}))
            assert not [q for q in r.stage.journal if q.path.endswith("/roles")]
            await r.connector.list_access(account(r, TANAKA), frozenset({K.ROLE}))
            assert [q for q in r.stage.journal if q.path.endswith("/roles")]

    async def test_who_we_are(self) -> None:
        """Our own account is looked up by the probe, and not again for each leaver."""
        async with rig() as r:
            await r.connector.probe()
            before = len(r.stage.journal)
            await asyncio.gather(
                *(r.connector.list_access(account(r, k), frozenset({K.RECOVERY})) for k in (TANAKA, SATO))
            )
            assert len(r.stage.journal) - before == 2


class TestFailure:
    @pytest.mark.usefixtures("slow")
    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "body": '{"error": {"code": 429, "errors": [{"reason": "rateLimitExceeded"}]}}'},
            {"status": 503, "body": "{}"},
            {"drop": True},
        ],
        ids=["429", "503", "drop"],
    )
    async def test_everybodys_and_not_remembered(self, fault: dict[str, Any]) -> None:
        """A reading that fails is each waiting leaver's own failed read, with its exchanges; the next question asks again."""
        async with rig() as r:
            keys = hired(r, 5)
            await revoke(r, TANAKA, K.PASSWORD)
            r.stage.faults.append(Fault("eventName=CHANGE_PASSWORD", times=Pace().tries, delay=0.2, **fault))
            asked = (r.connector.list_access(account(r, key), frozenset({K.PASSWORD})) for key in keys)
            for listing in await asyncio.gather(*asked):
                assert [row.state for row in listing] == [EntitlementState.UNREADABLE]
                assert len([one for one in listing.evidence[K.PASSWORD] if "/reports/" in one.what]) == Pace().tries
            assert (await stamps(r, TANAKA))[K.PASSWORD] is not None

    async def test_one_event_alone(self) -> None:
        """An event that cannot be read leaves the other kinds as they are."""
        async with rig() as r:
            await revoke(r, TANAKA, K.PASSWORD)
            await revoke(r, TANAKA, K.SIGN_IN)
            r.stage.faults.append(Fault("eventName=SUSPEND_USER", status=503, times=None))
            assert set(await stamps(r, TANAKA)) == {K.PASSWORD}

    async def test_half_a_log(self) -> None:
        """When a page fails, nothing of the reading counts, and the next one begins at the same place."""
        async with rig(page_size=1) as r:
            for key in (TANAKA, SATO):
                await revoke(r, key, K.PASSWORD)
            r.stage.faults.append(Fault("eventName=CHANGE_PASSWORD.*pageToken", status=400, body="{}"))
            assert K.PASSWORD not in await stamps(r, SATO)
            assert (await stamps(r, TANAKA))[K.PASSWORD] is not None
            assert not any("startTime" in q.query for q in queries(r))


class TestReadOn:
    async def test_a_long_log(self) -> None:
        """What was read is not read again, but for the time in which Google may still add to it; old stamps stay known."""
        async with rig() as r:
            long_ago = r.tenant.now() - timedelta(days=90)
            for n in range(2_500):
                at = long_ago + timedelta(minutes=n)
                whom = r.tenant.users[TANAKA].email if n == 7 else f"somebody.{n}@hoshizora.example"
                r.tenant.record_activity(
                    r.tenant.subject_id,
                    "CHANGE_PASSWORD",
                    application="admin",
                    kind="USER_SETTINGS",
                    at=at,
                    USER_EMAIL=whom,
                )
            old = (await stamps(r, TANAKA))[K.PASSWORD]
            assert old == long_ago.replace(microsecond=long_ago.microsecond // 1000 * 1000) + timedelta(minutes=7)
            assert len(queries(r)) == 3
            await revoke(r, SATO, K.PASSWORD)
            assert (await stamps(r, SATO))[K.PASSWORD] is not None
            assert len(queries(r)) == 4
            assert "startTime" in queries(r)[-1].query
            assert (await stamps(r, TANAKA))[K.PASSWORD] == old

    async def test_once_more(self) -> None:
        """What happened again since the last reading is the newest."""
        async with rig() as r:
            await revoke(r, TANAKA, K.PASSWORD)
            before = (await stamps(r, TANAKA))[K.PASSWORD]
            asked = await revoke(r, TANAKA, K.PASSWORD)
            after = (await stamps(r, TANAKA))[K.PASSWORD]
            assert before is not None
            assert after is not None
            assert after > before
            assert after >= asked.commanded_on_vendor_clock()

    @pytest.mark.parametrize(
        "order", [(K.SIGN_IN, K.SESSION), (K.SESSION, K.SIGN_IN)], ids=["block first", "block last"]
    )
    async def test_either_event(self, order: tuple[EntitlementKind, EntitlementKind]) -> None:
        """Sessions were last ended by the newer of the two events that end them, whichever it is."""
        async with rig() as r:
            for kind in order:
                await revoke(r, TANAKA, kind)
                await asyncio.sleep(0.01)
            ended_at = (await stamps(r, TANAKA))[K.SESSION]
            assert ended_at is not None
            assert abs(ended_at - max(event.at for event in r.tenant.events)) < timedelta(milliseconds=1)
            assert len({event.at for event in r.tenant.events}) == 2

    @pytest.mark.parametrize(
        ("times", "newest"),
        [
            (["2026-11-18T01:00:00Z", "2026-11-18T03:00:00Z", "2026-11-18T02:00:00Z"], 3),
            (["2026-11-18T01:00:00Z", "?", "2026-11-18T02:00:00Z"], None),
        ],
        ids=["in no order", "one that is none"],
    )
    async def test_several(self, times: list[str], newest: int | None) -> None:
        """Of several events the newest counts, whatever their order and the address's case; one whose time cannot be read might have been it."""
        parameters = [{"name": "USER_EMAIL", "value": "Misaki.Tanaka@Hoshizora.example"}]
        events = [{"name": "CHANGE_PASSWORD", "parameters": parameters}]
        body = json.dumps({"items": [{"id": {"time": time}, "events": events} for time in times]})
        async with rig() as r:
            r.stage.faults.append(Fault("/activity/users/", status=200, body=body))
            seen = await stamps(r, TANAKA)
            assert seen.get(K.PASSWORD) == (newest and datetime(2026, 11, 18, newest, tzinfo=UTC))
            assert (K.PASSWORD in seen) is (newest is not None)

    async def test_begun_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A time that is none is not got over by reading on; from the beginning, the log alone counts again."""
        async with rig() as r:
            await revoke(r, TANAKA, K.PASSWORD)
            parameters = [{"name": "USER_EMAIL", "value": r.tenant.users[TANAKA].email}]
            events = [{"name": "CHANGE_PASSWORD", "parameters": parameters}]
            body = json.dumps({"items": [{"id": {"time": "?"}, "events": events}]})
            r.stage.faults.append(Fault("/activity/users/", status=200, body=body))
            for _ in range(2):
                assert K.PASSWORD not in await stamps(r, TANAKA)
                r.connector._requests.admin_log.note_asked(TANAKA)  # type: ignore[attr-defined]  # the connector's own
            assert len(queries(r)) == 2
            monkeypatch.setattr(admin_log, "WHOLE_AGAIN", -1.0)
            assert (await stamps(r, TANAKA))[K.PASSWORD] is not None

    async def test_a_record_that_comes_late(self) -> None:
        """A record that shows minutes after what it tells of is seen by a later reading, though that reads on."""
        async with rig(audit_lag=600) as r:
            await revoke(r, TANAKA, K.PASSWORD)
            asked = await revoke(r, TANAKA, K.SIGN_IN)
            assert await stamps(r, TANAKA) == {K.PASSWORD: None, K.SESSION: None}
            r.tenant.shift = timedelta(seconds=601)
            r.connector._requests.admin_log.note_asked(TANAKA)  # type: ignore[attr-defined]  # the connector's own
            seen = await stamps(r, TANAKA)
            assert "startTime" in queries(r)[-1].query
            assert (seen[K.SESSION] or asked.sent_at) >= asked.commanded_on_vendor_clock()
            assert None not in seen.values()

    async def test_later_than_documented(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Google says that a record may come later than it documents: each hour the log is read from its beginning."""
        async with rig(audit_lag=7200) as r:
            await revoke(r, TANAKA, K.PASSWORD)
            r.tenant.shift = timedelta(seconds=3600)
            assert (await stamps(r, TANAKA))[K.PASSWORD] is None
            r.tenant.shift = timedelta(seconds=7201)
            monkeypatch.setattr(admin_log, "WHOLE_AGAIN", -1.0)
            r.connector._requests.admin_log.note_asked(TANAKA)  # type: ignore[attr-defined]  # the connector's own
            assert (await stamps(r, TANAKA))[K.PASSWORD] is not None


class TestNobodyElse:
    async def test_names(self) -> None:
        """A row that is proved by a reading of everybody's records holds nothing of anybody else."""
        async with rig(page_size=1) as r:
            for key in (SATO, user_id("takeru.sato"), TANAKA):
                await revoke(r, key, K.PASSWORD)
                await revoke(r, key, K.SIGN_IN)
            listing = await r.connector.list_access(account(r, TANAKA), STAMPED)
            told = repr([*listing, listing.evidence])
            assert sum("/reports/" in one.what for several in listing.evidence.values() for one in several) > 6
            assert "@" not in told
            for user in r.tenant.users.values():
                assert user.id == TANAKA or user.id not in told
                assert user.email not in told

    async def test_stamps(self) -> None:
        """What was done to others ends nothing here, however the address is written."""
        async with rig() as r:
            await revoke(r, SATO, K.PASSWORD)
            await revoke(r, SATO, K.SIGN_IN)
            r.tenant.users[TANAKA].suspended = True
            assert await stamps(r, TANAKA) == {K.PASSWORD: None, K.SESSION: None}
            r.tenant.users[SATO].email = r.tenant.users[SATO].email.upper()
            assert None not in (await stamps(r, SATO)).values()

    @pytest.mark.parametrize(
        ("event", "parameter"), [("UNSUSPEND_USER", "USER_EMAIL"), ("CHANGE_PASSWORD", "DESTINATION_USER_EMAIL")]
    )
    async def test_another_event(self, event: str, parameter: str) -> None:
        """A vendor that ignores which event was asked for closes nothing, nor does one in which the user has another part."""
        body = (
            f'{{"items":[{{"id":{{"time":"2026-11-18T17:42:09.364Z"}},"events":[{{"name":"{event}","parameters":'
            f'[{{"name":"{parameter}","value":"misaki.tanaka@hoshizora.example"}}]}}]}}]}}'
        )
        async with rig() as r:
            r.stage.faults.append(Fault("/activity/users/", status=200, body=body, times=None))
            assert await stamps(r, TANAKA) == {K.PASSWORD: None, K.SESSION: None}
