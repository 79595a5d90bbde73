"""The same casework on PostgreSQL, where cases are worked on from many machines."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from audit import leader_lock, outbox, roles
from audit.trail import Trail
from casework import call_budget, runbook, store
from casework.access import restore
from casework.access.rechecking import look_again
from casework.call_budget import DatabaseLedger
from casework.clock import DatabaseClock
from casework.context import Context
from casework.errors import Misconfigured
from casework.evidence import rotation
from casework.evidence.keys import KeyFile, make
from casework.evidence.rotation import Rotation
from casework.evidence.store import EvidenceStore
from casework.health import health
from casework.heartbeat import HeartbeatWriter
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import ObservationPolicy, Policy
from casework.schema import current, grant, migrate, newest
from casework.settings import CaseworkSettings
from casework.store import Store, open_engine
from casework.sweeping import unclaimed
from casework.truth.rows import accounts_of, rows_of
from casework.view.reading.case import case_view, view_in
from connectors.kit.limits import Limit, Rank
from models.actor import at_terminal
from models.tables import Collection, EvidenceKey, Look, Pause, Question
from models.vocabulary import CaseState, QuestionKind, Service
from tests.audit.conftest import postgres_server
from tests.casework.conftest import Clock, Office
from tests.casework.paper import Killed, Paper
from tests.casework.shown import show
from tests.casework.test_call_budget import turn_to, waits
from tests.casework.test_pause import paused_while_an_intent_waits
from tests.casework.test_unclaimed import due
from tests.unit.test_kit_limits import FEW, let_go, most_within


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder, postgres_server(Path(folder)) as uri:
        yield make_url(uri).render_as_string(hide_password=False)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    engine = open_engine(database)
    migrate(engine)
    migrate(engine)
    assert current(engine) == newest()
    clock = Clock()
    paper = Paper(now=clock)
    trail = Trail(origin="test.example/audit/2026", clock=clock, skew=None)  # the clock here is a test's
    context = Context(Store(engine, trail), Policy(), {Service.GOOGLE_WORKSPACE: paper}, now=clock, sleep=clock.sleep)
    yield Office(context, paper, clock)
    engine.dispose()


Machine: TypeAlias = Callable[..., EvidenceStore]
"""Returns what a machine with these key files, new and former, works with."""


@pytest.fixture
def keyed(office: Office, database: str, tmp_path: Path) -> Iterator[Machine]:
    """Machines of one house with the master keys `one` and `two`, and no evidence yet."""
    with office.context.store.write() as session:
        session.connection().execute(text("DELETE FROM evidence_file"))
        session.connection().execute(text("DELETE FROM evidence_key"))
    keys = {name: KeyFile(tmp_path / f"{name}.key", lambda: False) for name in ("one", "two")}
    for key in keys.values():
        make(key.path)
    engines = []

    def machine(new: str, former: str | None = None) -> EvidenceStore:
        engines.append(open_engine(database))
        store = Store(engines[-1], Trail(origin="test.example/audit/2026", skew=None))
        return EvidenceStore(store, tmp_path / "evidence", keys[new], keys[former] if former else None)

    yield machine
    for engine in engines:
        engine.dispose()


def waiting_for_a_lock(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def until(seen: Callable[[], bool]) -> None:
    """Wait, ten seconds at most, until it is seen."""
    last = time.monotonic() + 10
    while not seen():
        assert time.monotonic() < last
        time.sleep(0.01)


class TestOnPostgreSQL:
    async def test_a_departure_closes_and_the_trail_is_sound(self, office: Office) -> None:
        """Notice, plan, cut, observation and seal, as on SQLite."""
        office.paper.add("p1", employee_no="P1", email="p1@example.test", name="星 空子")
        case = office.report(employee_no="P1", email="p1@example.test")
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"
        with office.context.store.read() as session:
            assert office.context.store.trail.check(session.connection()).sound

    async def test_a_case_is_read_as_of_one_moment(self, office: Office) -> None:
        """What is committed while a case is being read belongs to the next reading: no view mixes two moments."""
        office.paper.add("p9", employee_no="P9", email="p9@example.test", name="星 空子")
        case = office.report(employee_no="P9", email="p9@example.test")
        with office.context.store.read() as session:
            before = view_in(office.context, session, case.id)
            await runbook.make_plan(office.context, case.id)
            assert view_in(office.context, session, case.id).digest == before.digest
        assert case_view(office.context, case.id).digest != before.digest

    async def test_killed_in_the_middle_then_again_ends_the_same(self, office: Office) -> None:
        """A killed run leaves an intent; the next one gives it its outcome."""
        office.paper.add("p2", employee_no="P2", email="p2@example.test", name="星 空子")
        case = office.report(employee_no="P2", email="p2@example.test")
        office.clock.pass_by(hours=10)
        left = [3]

        def kill(_: object) -> None:
            left[0] -= 1
            if left[0] == 0:
                office.paper.kill()

        office.paper.after = kill
        with pytest.raises(Killed):
            await office.run(case.id)
        office.paper.dead = False
        office.clock.pass_by(minutes=2)
        await office.run(case.id)
        assert show(office.context, case.id)["open_intents"] == 0

    async def test_an_account_that_a_killed_restore_left_open_is_found(self, office: Office) -> None:
        """Whoever looks for such accounts finds the case, once however many rows say so."""
        office.paper.add("p4", employee_no="P4", email="p4@example.test", name="星 空子")
        case = office.report(employee_no="P4", email="p4@example.test")
        office.clock.pass_by(hours=10)
        await office.run(case.id)
        with office.context.store.write() as session:
            for row in rows_of(session, case.id, *accounts_of(session, case.id)):
                row.lifted_at = office.clock()
                session.add(row)
        assert restore.lifted(office.context) == [case.id]

    def test_a_machine_whose_clock_is_set_misses_no_instant(self, office: Office) -> None:
        """Who looks for what is due, and writes nothing for hours, goes by the database's clock all the same."""
        ahead = [timedelta(0)]
        clock = DatabaseClock(lambda: datetime.now(UTC) + ahead[0])
        store = replace(office.context.store, clock=clock)
        context = replace(office.context, store=store, now=clock)
        for ahead[0] in (timedelta(0), timedelta(hours=-1), timedelta(hours=1)):
            unclaimed(context)
            assert abs(context.now() - datetime.now(UTC)) < timedelta(seconds=5)

    def test_health_is_told(self, office: Office) -> None:
        """Each thing that health looks for is asked for in a form that PostgreSQL takes, as is what nobody carries on."""
        case, now = due(office, employee_no="H1", employee_key="h1", state=CaseState.CONTAINED), office.clock.at
        long_ago = now - timedelta(hours=3)
        own = HeartbeatWriter(office.context, "watch")
        own.begins("rechecks")
        own.ended("rechecks", well=False)
        own.beat()
        own.beat()
        log = Collection(
            id="r", case_id=case.id, connection="slack", account_id="U1", account_ref="a", source="logs", round=1,
            from_at=now, until_at=now, file="f", begun_at=now, moved_at=long_ago,
        )  # fmt: skip
        asked = Question(
            id="q", case_id=case.id, kind=QuestionKind.WHOSE_ACCOUNT, text="whose?", asked_at=now, wanted_by=now
        )
        with office.context.store.write() as session:
            session.add_all([log, asked, Look(case_id=case.id, label="+1h", due_at=long_ago)])
        office.clock.pass_by(seconds=5)
        told = {alarm.code for alarm in health(office.context, CaseworkSettings(witness_policy_file=None)).alarms}
        assert {"no_serving_process", "turn_fails", "questions_near", "looks_behind", "logs_behind"} <= told
        assert case.id in unclaimed(office.context, cut=True)
        own.stop()

    def test_the_same_notice_from_many_machines_is_one_case(self, office: Office) -> None:
        """Eight senders of one notice at once: one case is created, seven are told that it is there."""
        reading = read_options(employee_no="P3", name="星 空子", employment_ends_on="2026-11-30", kind="resignation")

        def send(n: int) -> str:
            return open_cases(office.context, reading, reported_by=f"hr{n}").opened[0].disposition

        with ThreadPoolExecutor(8) as pool:
            dispositions = sorted(pool.map(send, range(8)))
        assert dispositions == ["created"] + ["same"] * 7

    async def test_many_cases_at_once_keep_one_log(self, office: Office) -> None:
        """Cases run side by side write one gap-free log."""
        cases = []
        for n in range(10, 16):
            office.paper.add(f"p{n}", employee_no=f"P{n}", email=f"p{n}@example.test", name=f"人 {n}")
            cases.append(office.report(employee_no=f"P{n}", email=f"p{n}@example.test", name=f"人 {n}"))
        office.clock.pass_by(hours=10)
        contexts = [replace(office, context=replace(office.context, own_accounts={})) for _ in cases]
        await asyncio.gather(*(context.run(case.id) for context, case in zip(contexts, cases, strict=True)))
        assert {show(office.context, case.id)["state"] for case in cases} == {"closed"}
        with office.context.store.read() as session:
            assert office.context.store.trail.check(session.connection()).sound

    async def test_a_pause_of_another_machine_stops_an_intent_that_waits(self, office: Office, database: str) -> None:
        """The pause is read in the intent's own transaction, once the writers' lock is had."""
        office.paper.add("p8", employee_no="P8", email="p8@example.test", name="星 空子")
        case = office.report(employee_no="P8", email="p8@example.test")
        await runbook.make_plan(office.context, case.id)
        office.clock.pass_by(hours=10)
        other = Store(open_engine(database), office.context.store.trail)
        paused_while_an_intent_waits(office, case, other)
        with office.context.store.write() as session:
            session.delete(session.get_one(Pause, "pause-0"))
        other.engine.dispose()
        await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"


def _as_reader(office: Office, database: str) -> Engine:
    """Connect as a role that may connect and read the trail's leaves."""
    role = "lastday_reads"
    with office.context.store.engine.begin() as owner:
        if owner.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first() is None:
            owner.execute(text(f"CREATE ROLE {role} LOGIN"))
        roles.grant_reader(owner, role)
    return create_engine(make_url(database).set(drivername="postgresql+psycopg", username=role))


class TestLimits:
    def test_who_may_only_read_holds_up_no_writer(self, office: Office, database: str) -> None:
        """The writers' lock is a row that needs the right to update it; other locks that anybody may take stand in nobody's way."""
        reader = _as_reader(office, database)
        with reader.connect() as outside:
            for key in (0x6C617374, 0x6C61_7374_6461_7931):
                outside.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            for taken in ("SELECT id FROM audit_lock FOR UPDATE", "LOCK TABLE audit_lock IN ACCESS SHARE MODE"):
                with pytest.raises(ProgrammingError, match="permission denied"), outside.begin_nested():
                    outside.execute(text(taken))
            with office.context.store.write() as session:
                assert session.connection().execute(text("SELECT 1")).scalar_one() == 1
        reader.dispose()

    async def test_a_case_is_carried_to_its_end_beside_a_reader_s_locks(self, office: Office, database: str) -> None:
        """Whatever a role that may only read holds, for hours, within what it may: a case is cut and closed, its leaf in the trail."""
        reader = _as_reader(office, database)
        office.paper.add("p7", employee_no="P7", email="p7@example.test", name="星 空子")
        with reader.connect() as outside:
            outside.execute(text("SELECT pg_advisory_lock(key) FROM generate_series(0, 99) AS key"))
            outside.execute(text("SELECT pg_advisory_lock(classid, 1) FROM generate_series(0, 9) AS classid"))
            for key in (leader_lock.KEY, leader_lock.KEY - 1, 0x6C617374):
                outside.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            outside.execute(text("SELECT count(*) FROM audit_entry"))  # and a transaction that stays open
            case = office.report(employee_no="P7", email="p7@example.test")
            office.clock.pass_by(hours=10)
            async with asyncio.timeout(30):
                await office.run(case.id)
        assert show(office.context, case.id)["state"] == "closed"
        reader.dispose()

    def test_each_connection_of_ours_has_them(self, database: str) -> None:
        """A statement ends after five seconds, a wait for a lock after two, a frozen transaction after fifteen, an attempt to connect after five."""
        engine = open_engine(database)
        with engine.connect() as connection:
            names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
            told = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
        assert told == ["5s", "2s", "15s"]
        assert store._CONNECT["connect_timeout"] == 5
        engine.dispose()

    def test_a_frozen_writer_loses_its_lock(
        self, office: Office, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process that stopped inside its transaction is ended by the database, and the next writer goes on."""
        monkeypatch.setitem(store._LIMITS, "lock_timeout", 100)
        monkeypatch.setitem(store._LIMITS, "idle_in_transaction_session_timeout", 400)
        machines = [Store(open_engine(database), office.context.store.trail) for _ in range(2)]
        with (
            pytest.raises(DBAPIError, match="idle-in-transaction"),
            machines[0].write(),
            machines[1].write() as session,
        ):
            session.connection().execute(text("SELECT 1"))
        for machine in machines:
            machine.engine.dispose()

    def test_a_statement_ends(self, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the database does not answer in time is an error, and no process waits for it."""
        monkeypatch.setitem(store._LIMITS, "statement_timeout", 100)
        engine = open_engine(database)
        with engine.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(30)"))
        engine.dispose()


class TestClocks:
    @pytest.mark.parametrize("wrong", [timedelta(seconds=-6), timedelta(seconds=6), timedelta(hours=-3)], ids=str)
    async def test_a_machine_whose_clock_is_wrong_cuts_all_the_same(self, database: str, wrong: timedelta) -> None:
        """Its stamps are told on the database's clock: nothing stops, and the record shows the true instants."""
        clock = DatabaseClock(lambda: datetime.now(UTC) + wrong)
        store = Store(open_engine(database), Trail(origin="test.example/audit/2026", clock=clock), clock)
        migrate(store.engine)
        paper = Paper(now=clock.machine)
        name = f"c{wrong.total_seconds():.0f}"
        paper.add(name, employee_no=name, email=f"{name}@example.test", name="星 空子")
        policy = Policy(
            observe=ObservationPolicy(deadline_seconds=10, first_wait_seconds=0.05, longest_wait_seconds=0.1)
        )
        office = Office(Context(store, policy, {Service.GOOGLE_WORKSPACE: paper}, now=clock), paper, Clock())
        yesterday = str((datetime.now(UTC) - timedelta(days=2)).date())
        case = office.report(employee_no=name, email=f"{name}@example.test", employment_ends_on=yesterday)
        began = datetime.now(UTC)
        await office.run(case.id)
        view = case_view(office.context, case.id)
        assert view.state is CaseState.CLOSED
        seen = [
            row.observed_at for account in view.taken for row in account.entitlements if row.observed_at is not None
        ]
        assert seen
        assert all(began - timedelta(seconds=1) < moment < datetime.now(UTC) + timedelta(seconds=1) for moment in seen)
        store.engine.dispose()


class TestEvidenceKeys:
    def test_change_while_an_old_machine_waits(self, keyed: Machine) -> None:
        """Who holds only the former key and waits for the lock while the change begins sees it, and wraps nothing."""
        both, late = keyed("two", "one"), keyed("one")
        late.save("case-1", "a.bin", b"one")
        run = Rotation(both.master.open(), both.key_named, "svc:terminal", at_terminal("it"))
        with ThreadPoolExecutor(1) as pool:
            with both.store.write() as session:
                run.go_on(session, partial(both.store.tell, session))
                writing = pool.submit(late.save, "case-2", "a.bin", b"two")
                until(lambda: waiting_for_a_lock(both.store) > 0)
            with pytest.raises(Misconfigured, match=both.master.open().name):
                writing.result(20)
        with both.store.read() as session:
            assert session.get(EvidenceKey, "case-2") is None

    def test_many_machines(self, keyed: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two runs, and machines that write and erase meanwhile: each living case is under the new key and counted once."""
        monkeypatch.setattr(rotation, "BATCH", 3)
        both, old = keyed("two", "one"), keyed("one")
        for n in range(20):
            old.save(f"case-{n}", "a.bin", b"old")

        def run(_: int) -> int:
            return keyed("two", "one").rotate(actor="svc:x", by=at_terminal("it"), told=lambda *_: None).count

        with ThreadPoolExecutor(4) as pool:
            runs = pool.map(run, range(2))
            writes = pool.map(lambda n: keyed("two", "one").save(f"new-{n}", "a.bin", b"new"), range(8))
            erased = pool.map(lambda n: keyed("two", "one").erase(f"case-{n}"), range(0, 20, 4))
            assert (len(list(writes)), list(erased)) == (8, [1] * 5)
            wrapped = sum(runs)
        with both.store.read() as session:
            assert rotation.needed(session) == {both.master.open().name: 23}
            mine = [entry.record for entry in both.store.trail.entries(session.connection(), "log")]
            told = [one for one in mine if one.get("to_key") == both.master.open().name]
            assert both.store.trail.check(session.connection()).sound
        assert sum(one["count"] for one in told) == wrapped
        assert {one["from_key"] for one in told} == {old.master.open().name}


class TestRoles:
    async def test_a_writer_works_before_and_after_an_upgrade(self, office: Office, database: str) -> None:
        """The role that `migrate --writer` names carries a case to its end; so does one of before, once newer tables are there."""
        owner = open_engine(database)
        with owner.begin() as connection:
            connection.exec_driver_sql("CREATE ROLE works_here LOGIN")
        grant(owner, "works_here", None)
        with owner.begin() as connection:
            connection.exec_driver_sql("REVOKE ALL ON comeback, audit_reader FROM works_here")  # as if they were new
        grant(owner, None, None)
        owner.dispose()
        worker = open_engine(make_url(database).set(username="works_here").render_as_string(hide_password=False))
        there = replace(office, context=replace(office.context, store=Store(worker, office.context.store.trail)))
        office.paper.add("w1", employee_no="W1", email="w1@example.test", name="星 空子")
        case = there.report(employee_no="W1", email="w1@example.test")
        office.clock.pass_by(hours=10)
        await there.run(case.id)
        office.paper.holders["w1"].active = True
        office.clock.pass_by(days=2)
        await look_again(there.context)
        assert case_view(there.context, case.id).taken[0].came_back_at is not None
        with there.context.store.write() as session:
            (event,) = outbox.after(session.connection(), "siem", 1)
            outbox.move(session.connection(), "siem", event)
        worker.dispose()


class TestCallBudget:
    async def test_many_machines_take_no_call_twice(self, office: Office, database: str) -> None:
        """Forty calls of eight machines that ask the same tenant in the same second: no minute gets more than are published."""
        url = make_url(database).set(drivername="postgresql+psycopg")
        machines = [replace(office.context.store, engine=create_engine(url)) for _ in range(8)]
        ledgers, limit = [DatabaseLedger(one) for one in machines], Limit("list", 20, "vendor.example/limits")
        await asyncio.gather(*(ledger.take("slack", limit, 1, Rank.URGENT) for ledger in ledgers[:1]))
        await asyncio.gather(*(ledger.take("slack", limit, 1, Rank.URGENT) for ledger in ledgers * 4))
        with machines[0].engine.connect() as connection:
            taken = connection.execute(text("SELECT slots FROM call_budget")).scalar_one()
        counts = sorted((int(slot), count) for slot, count in taken.items())
        assert sum(count for _, count in counts) == 33
        assert max(sum(count for slot, count in counts if at <= slot < at + 11) for at, _ in counts) <= 20
        for one in machines:
            one.engine.dispose()

    @pytest.mark.parametrize("limit", FEW[::2], ids=lambda limit: limit.name)
    async def test_few_calls_for_three_processes(
        self, office: Office, database: str, limit: Limit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However small the limit, three processes together keep it."""
        monkeypatch.setattr(call_budget, "_PATIENCE", 60.0)
        url = make_url(database).set(drivername="postgresql+psycopg")
        stores = [replace(office.context.store, engine=create_engine(url), clock=DatabaseClock()) for _ in range(3)]
        gone = await let_go([DatabaseLedger(one) for one in stores], partial(turn_to, stores), limit, 240)
        assert most_within([at for at, _ in gone]) <= limit.a_minute
        assert len(gone) >= 3 * limit.a_minute
        for one in stores:
            one.engine.dispose()

    async def test_a_lock_of_a_moment(self, office: Office, database: str) -> None:
        """While one machine's row is locked for a moment, three take no more than a few calls above the limit together."""
        url = make_url(database).set(drivername="postgresql+psycopg")
        stores = [replace(office.context.store, engine=create_engine(url), clock=DatabaseClock()) for _ in range(3)]
        ledgers = [DatabaseLedger(one) for one in stores]
        await waits(ledgers, 12, "locked", rank=Rank.URGENT)
        with stores[0].engine.begin() as connection:
            connection.execute(text("SELECT 1 FROM call_budget WHERE connection = 'locked' FOR UPDATE"))
            during = await waits(ledgers, 3, "locked", rank=Rank.URGENT)
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.1)
        after = [wait for _ in range(20) for wait in await waits(ledgers, 3, "locked", rank=Rank.URGENT)]
        assert during == [0.0] * 3
        assert 12 + len([wait for wait in (*during, *after) if wait < 54]) <= 20 + 2 * 3
        for one in stores:
            one.engine.dispose()
