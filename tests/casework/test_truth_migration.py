"""The first core's database, brought to the second design: every row is kept, and nothing becomes closed by moving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Engine
from sqlmodel import select

from audit.trail import Trail
from casework import schema
from casework.context import Context
from casework.policy import Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from casework.truth.findings import assess
from casework.truth.rows import reads_of, rows_of
from connectors.contract import Manifest
from connectors.google_workspace.manifest import MANIFEST as GOOGLE
from connectors.microsoft365.manifest import MANIFEST as MICROSOFT
from connectors.slack.manifest import SlackPlan, manifest_for
from models.tables import Attestation, Case, Look, Waiver
from models.vocabulary import ConnectionId, Service
from tests.audit.conftest import postgres, postgres_url
from tests.casework.paper import Paper

__all__ = ["postgres", "postgres_url"]

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
CASE = "case-00000000000000aa"
DUE = datetime(2026, 11, 30, 15, tzinfo=UTC)
MANIFESTS: dict[Service, Manifest] = {
    Service.GOOGLE_WORKSPACE: GOOGLE,
    Service.SLACK: manifest_for(SlackPlan.BUSINESS_PLUS),
    Service.MICROSOFT365: MICROSOFT,
}


def at(minutes: float) -> datetime:
    return DUE + timedelta(minutes=minutes)


ASKED = {"attempts": 1, "result": "commanded", "commanded_at": at(1), "vendor_commanded_at": at(1)}
SEEN = ASKED | {"observed_at": at(2), "confirmed_by": "read", "cut_effective_by": at(62)}
SIGNED = {"settled_by": "attest-0"}

ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    # the row, what is known of it, its id in the second design, its state there
    ("google_workspace:g1:sign_in:account", SEEN | {"state": "observed_closed"}, "google_workspace:g1:sign_in:account", "observed_closed"),
    ("google_workspace:g1:session:all", SEEN | {"state": "observed_closed", "ended_at": at(1.5), "confirmation": "audit_event"}, "google_workspace:g1:session:account", "observed_closed"),
    ("google_workspace:g1:password:current", ASKED | {"state": "commanded", "confirmation": "audit_event"}, "google_workspace:g1:password:account", "commanded"),
    ("google_workspace:g1:backup_code:all", {"state": "still_open", "attempts": 1, "result": "refused"}, "google_workspace:g1:backup_code:account", "still_open"),
    ("google_workspace:g1:grant:app-1", SEEN | {"state": "observed_closed"}, "google_workspace:g1:grant:app-1", "observed_closed"),
    ("google_workspace:g1:grant:app-2", ASKED | {"state": "still_open"}, "google_workspace:g1:grant:app-2", "still_open"),
    ("google_workspace:g1:group:sales", {"state": "waived", "waived_from": "found", "guard": "last_owner", "settled_by": "own"}, "google_workspace:g1:group:sales", "waived"),
    ("google_workspace:g1:group:ops", {"state": "attested", **SIGNED}, "google_workspace:g1:group:ops", "attested"),
    ("google_workspace:g1:role:*", {"state": "waived", "waived_from": "unreadable", "settled_by": "standing-role"}, "google_workspace:g1:role:*", "unreadable"),
    ("google_workspace:g1:app_password:*", {"state": "observed_closed", "observed_at": at(2)}, "google_workspace:g1:app_password:*", "observed_closed"),
    ("google_workspace:g1:recovery:email", {"state": "found"}, "google_workspace:g1:recovery:email", "found"),
    # attested, and under the standing waiver that kept its meaning; one account, two sign-in rows: blocked when it was first seen, enabled later
    ("slack:U1:sign_in:U1", {"state": "observed_closed", "observed_at": at(-9)}, "slack:U1:sign_in:account", "found"),
    ("slack:U1:sign_in:account", {"state": "found", "found_at": at(1)}, "", ""),
    ("slack:U1:session:all", {"state": "still_open", "confirmation": "implied_by"}, "slack:U1:session:account", "found"),
    ("slack:U1:grant:*", {"state": "waived", "waived_from": "no_api", "settled_by": "standing-grant"}, "slack:U1:grant:*", "waived"),
    ("slack:U1:group:T1/S1", ASKED | {"state": "commanded"}, "slack:U1:group:T1/S1", "commanded"),
    ("slack:U2:sign_in:U2", SEEN | {"state": "observed_closed"}, "slack:U2:sign_in:account", "observed_closed"),
    ("slack:U2:session:all", {"state": "observed_closed", "observed_at": at(2), "confirmation": "implied_by"}, "slack:U2:session:account", "observed_closed"),
    ("slack:U2:grant:*", {"state": "attested", **SIGNED}, "slack:U2:grant:*", "waived"),
    ("microsoft365:m1:sign_in:account", {"state": "attested", **SIGNED}, "microsoft365:m1:sign_in:account", "attested"),
    ("microsoft365:m1:session:all", {"state": "attested", **SIGNED, "confirmation": "audit_event"}, "microsoft365:m1:session:account", "attested"),
    ("microsoft365:m1:group:list", {"state": "no_api"}, "microsoft365:m1:group:list", "no_api"),
    ("microsoft365:m1:role:eligible/*", {"state": "waived", "waived_from": "not_on_plan", "settled_by": "own"}, "microsoft365:m1:role:eligible/*", "waived"),
    ("microsoft365:m1:role:r1", SEEN | {"state": "observed_closed"}, "microsoft365:m1:role:r1", "observed_closed"),
    ("microsoft365:m1:grant:*", {"state": "unreadable"}, "microsoft365:m1:grant:*", "unreadable"),
    ("microsoft365:m1:grant:oauth2/1", ASKED | {"state": "commanded"}, "microsoft365:m1:grant:oauth2/1", "commanded"),
]  # fmt: skip
LEFT_BEFORE = "google_workspace:g1:group:left"
"""Attested a month before the instant: that counts no more."""


def first_core(engine: Engine) -> None:
    """Build the first core's database with a case that has rows in every state."""
    config = schema._config()  # to stop at the first core's version
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    tables = sa.MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:

        def put(table: str, **given: Any) -> None:
            columns = tables.tables[table].columns
            missing = {
                c.name: _blank(c) for c in columns if not c.nullable and not c.primary_key and c.name not in given
            }
            connection.execute(tables.tables[table].insert().values(**missing | given))

        put("offboarding_case", id=CASE, employee_no="E1", employee_key="e1", timezone="Asia/Tokyo", due_at=DUE, opened_at=at(-99),
            employment_ends_on=date(2026, 11, 30), kind="resignation", state="waiting", for_real=True, run_state="none",
            leaver={"employee_no": "E1", "name": "星 空子", "email": None, "other_emails": []})  # fmt: skip
        for service, vendor_id in (
            ("google_workspace", "g1"),
            ("slack", "U1"),
            ("slack", "U2"),
            ("microsoft365", "m1"),
        ):
            put("account", case_id=CASE, service=service, vendor_id=vendor_id, ref=f"acct-{vendor_id.encode().hex():0>16}", kind="member", standing="accepted",
                reason="employee_no", listed_at=at(2))  # fmt: skip
        for service in Service:
            put("search", case_id=CASE, service=str(service), searched_at=at(-9), found=1)
        for number, (row_id, fields, _, _) in enumerate(
            [*ROWS, (LEFT_BEFORE, {"state": "attested", "settled_by": "early"}, "", "")]
        ):
            service, account_id, kind, vendor_id = row_id.split(":", 3)
            put("entitlement", **({"case_id": CASE, "id": row_id, "service": service, "account_id": account_id, "kind": kind,
                "vendor_id": vendor_id, "found_at": at(-5), "confirmation": "read", "prestate": {}} | fields))  # fmt: skip
            if fields["state"] == "attested":
                early = row_id == LEFT_BEFORE
                put("attestation", id="early" if early else f"attest-{number}", case_id=CASE, entitlement_id=row_id, person="it",
                    statement="seen", attested_at=at(-43200 if early else 3))  # fmt: skip
        waiver = {
            "reason": "r",
            "until": date(2027, 2, 1),
            "requested_by": "a",
            "requested_at": at(3),
            "approved_by": "b",
            "approved_at": at(4),
        }
        for name, row_id in (("own", "google_workspace:g1:group:sales"), ("own-2", "microsoft365:m1:role:eligible/*")):
            service, _, kind, _ = row_id.split(":", 3)
            put("waiver", id=name, case_id=CASE, service=service, kind=kind, entitlement_id=row_id, **waiver)
        put("waiver", id="standing-role", service="google_workspace", kind="role", **waiver)
        put("waiver", id="standing-grant", service="slack", kind="grant", **waiver)
        put("look", case_id=CASE, label="+1h", due_at=at(60), looked_at=at(61), verdict="quiet")
        put("look", case_id=CASE, label="+24h", due_at=at(1440))


def _blank(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.JSON):
        return {}
    blank: dict[type, Any] = {bool: False, int: 0, float: 1.0, str: "", datetime: DUE, date: DUE.date()}
    return blank[column.type.python_type]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The first core's database, on each kind of database in turn, brought to the newest version."""
    url = f"sqlite:///{tmp_path}/old.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = open_engine(url)
    first_core(made)
    migrate(made)
    yield made
    made.dispose()


def context_over(engine: Engine) -> Context:
    papers: dict[ConnectionId, Paper] = {}
    for service, manifest in MANIFESTS.items():
        papers[service] = Paper(service=service, now=lambda: NOW)
        papers[service].manifest = manifest
    trail = Trail(origin="test.example/audit/2026", clock=lambda: NOW, skew=None)
    return Context(Store(engine, trail), Policy(), papers, now=lambda: NOW)


class TestFirstCoresDatabase:
    def test_each_row_is_what_it_was(self, engine: Engine) -> None:
        """A row's state follows from the synthetic reads as it stood; only what core.md names is different."""
        context = context_over(engine)
        with context.store.write() as session:
            assess(context, session, CASE)
        with context.store.read() as session:
            states = {row.id: str(row.state) for row in rows_of(session, CASE)}
        expected = {new: state for _, _, new, state in ROWS if new} | {LEFT_BEFORE: "unreadable"}
        assert states == expected

    def test_nothing_is_closed_that_was_not(self, engine: Engine) -> None:
        """Moving house closes nothing, and assessing twice changes nothing."""
        context = context_over(engine)
        was_closed = {new for _, fields, new, _ in ROWS if fields["state"] == "observed_closed"}
        for _ in range(2):
            with context.store.write() as session:
                assess(context, session, CASE)
                rows = rows_of(session, CASE)
                assert {row.id for row in rows if row.state == "observed_closed"} <= was_closed

    def test_what_was_signed_is_kept(self, engine: Engine) -> None:
        """Signatures follow their rows; a standing waiver keeps its meaning only where the vendor has no API."""
        context = context_over(engine)
        with context.store.read() as session:
            ids = {row.id for row in rows_of(session, CASE)}
            accepts = {w.id: w.accepts for w in session.exec(select(Waiver)).all()}
            attested = {a.entitlement_id for a in session.exec(select(Attestation)).all()}
        assert accepts == {"own": "guarded", "own-2": "not_on_plan", "standing-role": None, "standing-grant": "no_api"}
        assert len(attested) == sum(fields["state"] == "attested" for _, fields, _, _ in ROWS) + 1
        assert attested <= ids

    def test_the_case_goes_on(self, engine: Engine) -> None:
        """A case under way knows its services, its looks and the reads of its rows, marked as moved."""
        context = context_over(engine)
        with context.store.read() as session:
            case = session.get_one(Case, CASE)
            assert case.connections == sorted(Service)
            looks = {look.label: (look.verdict, look.tries, look.blind) for look in session.exec(select(Look)).all()}
            assert looks == {"+1h": ("quiet", 0, []), "+24h": (None, 0, [])}
            reads = reads_of(session, CASE)
            assert {(service, account, kind) for service, account, kind in reads} == {
                tuple(row.id.split(":", 3)[:3]) for row in rows_of(session, CASE)
            }
            assert all(read.migrated for read in reads.values())

    def test_two_sign_in_rows_are_one_and_open(self, engine: Engine) -> None:
        """An account that had two sign-in rows has one, and it is open if either was."""
        with engine.connect() as connection:
            rows = connection.execute(
                sa.text("SELECT id, state FROM entitlement WHERE account_id = 'U1' AND kind = 'sign_in'")
            ).all()
        assert [tuple(row) for row in rows] == [("slack:U1:sign_in:account", "still_open")]

    def test_back_again(self, engine: Engine) -> None:
        """The way back keeps the rows."""
        config = schema._config()  # to go back
        with engine.begin() as connection:
            before = connection.execute(sa.text("SELECT count(*) FROM entitlement")).scalar_one()
            config.attributes["connection"] = connection
            command.downgrade(config, "0004")
            assert connection.execute(sa.text("SELECT count(*) FROM entitlement")).scalar_one() == before
