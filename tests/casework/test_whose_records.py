"""Whose an act is that a log tells of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from casework.activity import openers
from casework.activity.logs import is_theirs, may_be_theirs, names_of
from casework.activity.summary import summarise
from casework.erasure import erasing
from casework.view.reading.case import look
from connectors.activity import Activity, LogName
from models.tables import CaseAccount, Collection
from models.vocabulary import ActivityKind, ConnectionId
from tests.casework.conftest import Office
from tests.casework.ledger import DRIVE, event
from tests.casework.quiet import cut, ledger, read
from tests.casework.shown import show
from tests.casework.test_erasing import approved, dump

K = ActivityKind
AT = datetime(2026, 11, 1, tzinfo=UTC)


def account(connection: str, vendor_id: str, label: str, *others: str) -> CaseAccount:
    addresses = {"primary": [label], "others": [*others]}
    told: dict[str, Any] = {"connection": ConnectionId(connection), "vendor_id": vendor_id, "label": label}
    return CaseAccount(**told, addresses=addresses)


def asked(one: CaseAccount, **names: Any) -> Collection:
    told: dict[str, Any] = {"connection": one.connection, "account_id": one.vendor_id}
    return Collection(**told, names=names)


class TestWhose:
    """What was fetched and not counted is a figure: whose a record is, is not guessed."""

    async def test_a_name_that_the_log_alone_uses(self, logged: Office) -> None:
        """A guest is called otherwise in the log than in the directory: the reading says by which names it was asked for."""
        guest, at = "e1_home.test#EXT#@here.test", logged.clock.at - timedelta(days=3)
        ledger(logged).names = (LogName(guest),)
        ledger(logged).happened("g1", [event(n, at, actor_id=guest.upper()) for n in range(40)])
        case, _ = await cut(logged)
        found = (await read(logged, case))["downloads"]
        assert found["counts"]["download"] == 40
        assert found["counted"] == [
            {"log": "google_workspace/drive", "records": 40, "own": 40, "others": 0, "odd": 0, "again": 0}
        ]

    @pytest.mark.parametrize("others", [False, True])
    async def test_an_address_of_the_account_s(self, logged: Office, others: bool) -> None:
        """After a change of name the log goes on to hold the former address; in one that tells of others it may be an administrator's."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=others),)
        held = ledger(logged).holders["g1"]
        held.profile = replace(held.profile, aliases=("before@example.test",))
        at = logged.clock.at - timedelta(days=3)
        ledger(logged).happened("g1", [event(n, at, actor_id="Before@example.test") for n in range(7)])
        case, _ = await cut(logged)
        assert (await read(logged, case))["downloads"]["counted"][0]["own"] == (0 if others else 7)

    @pytest.mark.parametrize("contacts", [True, False])
    async def test_an_address_that_may_be_the_account_s(self, logged: Office, contacts: bool) -> None:
        """In a log that tells of others, nobody can say whose an act under such an address alone is: neither clean nor silent."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=True),)
        held = ledger(logged).holders["g1"]
        held.profile = replace(held.profile, aliases=("before@example.test",) if contacts else ())
        case, effective_by = await cut(logged)
        ledger(logged).happened(
            "g1", [event(1, effective_by + timedelta(hours=1), K.FORWARD, actor="Before@example.test")]
        )
        logged.clock.pass_by(hours=25)
        found = (await read(logged, case))["downloads"]
        assert (found["counted"][0]["own"], found["counted"][0]["others"]) == (0, 1)
        assert ("other_names" in {one["reason"] for one in found["risks"]}) is contacts
        assert found["silence"][0]["state"] == ("unclear" if contacts else "silent")
        assert [one["records"] for one in found["strangers"]] == ([1] if contacts else [])

    async def test_another_name_is_said_and_nobody_is_clean(self, logged: Office) -> None:
        at = logged.clock.at - timedelta(days=3)
        ledger(logged).happened("g1", [event(n, at, actor_id="who@example.test") for n in range(5)])
        case, _ = await cut(logged)
        found = (await read(logged, case))["downloads"]
        assert found["counted"] == [
            {"log": "google_workspace/drive", "records": 5, "own": 0, "others": 5, "odd": 0, "again": 0}
        ]
        assert found["verdict"] == "cannot_say"
        (risk,) = [one for one in found["risks"] if one["reason"] == "other_names"]
        assert "5 records for the account under names" in risk["text"]
        assert "who@" not in str(found)
        assert [(one["name"], one["records"]) for one in found["strangers"]] == [("…", 5)]
        full = look(logged.context, case.id, by="legal").downloads
        assert full.strangers[0].name == "who@example.test"

    async def test_a_name_that_was_the_leaver_s_until_then(self, logged: Office) -> None:
        """What is done under it afterwards is somebody else's, and is not counted."""
        at = logged.clock.at - timedelta(days=3)
        ledger(logged).names = (LogName("before@example.test", None, at),)
        done = [event(n, at + timedelta(hours=n), actor_id="before@example.test") for n in (-2, -1, 0, 1)]
        ledger(logged).happened("g1", done)
        case, _ = await cut(logged)
        (counted,) = (await read(logged, case))["downloads"]["counted"]
        assert (counted["own"], counted["others"]) == (2, 2)

    async def test_after_the_cut_an_unknown_name_proves_no_silence(self, logged: Office) -> None:
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), actor_id="who@example.test")])
        logged.clock.pass_by(hours=25)
        [quiet] = (await read(logged, case))["downloads"]["silence"]
        assert (quiet["state"], quiet["by_others"]) == ("unclear", [])

    @pytest.mark.parametrize("others", [True, False])
    async def test_an_act_that_nobody_is_named_for(self, logged: Office, others: bool) -> None:
        """In a log that tells of others it is an application's, or the vendor's own; elsewhere the account's."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=others),)
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.ENABLED)])
        logged.clock.pass_by(hours=25)
        shown = await read(logged, case)
        assert shown["downloads"]["silence"][0]["state"] == ("silent" if others else "broken")
        assert bool(shown["findings"]) is not others

    async def test_an_act_under_the_account_s_address_alone(self, logged: Office) -> None:
        """Some records of a log that tells of others have no id of who did it: the address says that it was the account."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=True),)
        case, effective_by = await cut(logged)
        ledger(logged).happened("g1", [event(1, effective_by + timedelta(hours=1), K.SIGN_IN, actor="E1@example.test")])
        logged.clock.pass_by(hours=25)
        quiet = (await read(logged, case))["downloads"]["silence"][0]
        assert (quiet["state"], quiet["by_others"]) == ("broken", [])

    async def test_an_older_statement_does_not_say_of_whom_its_log_tells(self, logged: Office) -> None:
        """Then the log's present word counts: a drop is no more silent than today."""
        at = logged.clock.at - timedelta(days=3)
        ledger(logged).happened("g1", [event(n, at, actor_id="who@example.test") for n in range(5)])
        case, _ = await cut(logged)
        await read(logged, case)
        with logged.context.store.write() as session:
            for row in session.exec(select(Collection)).all():
                row.statement = {
                    k: v for k, v in (row.statement or {}).items() if k not in {"of_others", "tells", "names"}
                }
                session.add(row)
        assert logged.context.evidence is not None
        summarise(logged.context, case.id, logged.context.evidence)
        risks = show(logged.context, case.id)["downloads"]["risks"]
        assert "other_names" in {one["reason"] for one in risks}

    async def test_erased_with_the_case(self, logged: Office) -> None:
        """The names by which the log was asked are nowhere afterwards."""
        ledger(logged).names = (LogName("secret.guest@home.test"),)
        ledger(logged).happened("g1", [event(1, logged.clock.at - timedelta(days=3))])
        case, _ = await cut(logged)
        await read(logged, case)
        assert "secret.guest@home.test" in dump(logged)
        approved(logged, case.id)
        erasing.erase(logged.context, case.id)
        assert "secret.guest" not in dump(logged)

    async def test_of_a_log_that_tells_what_others_did(self, logged: Office) -> None:
        """That an administrator did something to the account is no doubt of whose the rest is."""
        ledger(logged).activity_sources = (replace(DRIVE, of_others=True),)
        at = logged.clock.at - timedelta(days=3)
        ledger(logged).happened("g1", [event(1, at, actor_id="admin@example.test"), event(2, at, actor_id="g1")])
        case, _ = await cut(logged)
        found = (await read(logged, case))["downloads"]
        assert (found["counted"][0]["own"], found["counted"][0]["others"]) == (1, 1)
        assert "other_names" not in {one["reason"] for one in found["risks"]}


class TestNames:
    """A name is an account's in its own service, while it is that account's."""

    OLD = account("microsoft365", "m1", "new@x.test")
    OTHER = account("microsoft365-b", "b1", "old@x.test")
    RENAMED = asked(OLD, **{"old@x.test": [None, AT.isoformat()], "new@x.test": [AT.isoformat(), None]})

    @pytest.mark.parametrize(
        ("connection", "name", "days", "theirs"),
        [
            ("microsoft365", "old@x.test", -1, True),
            ("microsoft365", "old@x.test", 1, False),
            ("microsoft365", "new@x.test", -1, False),
            ("microsoft365", "NEW@x.test", 1, True),
            ("microsoft365", "m1", -1, True),
            ("microsoft365-b", "old@x.test", 1, True),  # what one service lost is another's own
            ("microsoft365-b", "new@x.test", 1, False),
            ("microsoft365-b", "m1", 1, False),
        ],
    )
    def test_of_two_services(self, connection: str, name: str, days: int, theirs: bool) -> None:
        names = names_of([self.OLD, self.OTHER], self.RENAMED, ConnectionId(connection), contacts=False)
        done = Activity(K.DOWNLOAD, AT + timedelta(days=days), "x", actor_id=name)
        assert is_theirs(names, done) is theirs

    def test_spelled_otherwise(self) -> None:
        """Capital letters in the directory's name change nothing of when it was the account's."""
        one = account("microsoft365", "m1", "Lead@x.test")
        row = asked(one, **{"lead@x.test": [AT.isoformat(), None]})
        names = names_of([one], row, ConnectionId("microsoft365"), contacts=False)
        before = Activity(K.DOWNLOAD, AT - timedelta(days=1), "x", actor_id="LEAD@x.test")
        assert not is_theirs(names, before)

    def test_whose_own_name_has_capitals(self) -> None:
        """The directory's spelling is none of the log's: what is done under the name counts."""
        names = names_of([account("slack", "U1", "Lead@x.test")], None, ConnectionId("slack"), contacts=False)
        assert is_theirs(names, Activity(K.DOWNLOAD, AT, "x", actor_id="lead@X.test"))

    def test_of_which_the_letters_alone_changed(self) -> None:
        """Both spellings are one name, which was the account's in both periods."""
        one, changed = account("microsoft365", "m1", "lead@x.test"), (AT - timedelta(days=9)).isoformat()
        row = asked(one, **{"Lead@x.test": [None, changed], "lead@x.test": [changed, None]})
        names = names_of([one], row, ConnectionId("microsoft365"), contacts=False)
        for days in (30, 5):
            done = Activity(K.DOWNLOAD, AT - timedelta(days=days), "x", actor_id="lead@x.test")
            assert is_theirs(names, done)

    def test_of_a_name_that_came_back(self) -> None:
        """It counts for each time that it was the account's."""
        gone, back = AT - timedelta(days=9), AT - timedelta(days=2)
        row = asked(self.OLD, **{"old@x.test": [None, gone.isoformat(), back.isoformat(), None]})
        names = names_of([self.OLD], row, ConnectionId("microsoft365"), contacts=False)
        theirs = {
            days: is_theirs(names, Activity(K.DOWNLOAD, AT - timedelta(days=days), "x", actor_id="old@x.test"))
            for days in (30, 5, 1)
        }
        assert theirs == {30: True, 5: False, 1: True}

    async def test_of_what_a_later_pass_does_not_know_any_more(self, logged: Office) -> None:
        """Entra's log forgets since when a name is the account's: what was fetched before is read by what was known then."""
        given, name = logged.clock.at - timedelta(days=3), "taken.over@example.test"
        ledger(logged).names = (LogName(name, given),)
        ledger(logged).happened(
            "g1", [event(n, given - timedelta(days=1, minutes=n), actor_id=name) for n in range(40)]
        )
        case, _ = await cut(logged)
        await read(logged, case)
        ledger(logged).names = (LogName(name, given - timedelta(days=900)),)
        logged.clock.pass_by(days=8)
        (counted,) = (await read(logged, case))["downloads"]["counted"]
        assert (counted["own"], counted["others"]) == (0, 40)

    def test_of_a_name_that_lastday_found_before(self) -> None:
        """Until it found the next one the name was the account's, in a log that tells of others, too; since then nobody can say."""
        one = account("google_workspace", "g1", "new@x.test", "contact@x.test")
        one.addresses |= {"names": {"old@x.test": (AT - timedelta(days=9)).isoformat(), "new@x.test": AT.isoformat()}}
        names = names_of([one], None, ConnectionId("google_workspace"), contacts=False)
        acts = [Activity(K.FORWARD, AT + timedelta(days=days), "x", actor="Old@x.test") for days in (-1, 1)]
        assert [(is_theirs(names, act), may_be_theirs(names, act)) for act in acts] == [(True, True), (False, True)]
        contact, other = (Activity(K.FORWARD, AT, "x", actor=name) for name in ("contact@x.test", "who@x.test"))
        assert [(is_theirs(names, act), may_be_theirs(names, act)) for act in (contact, other)] == [
            (False, True),
            (False, False),
        ]

    @pytest.mark.parametrize(
        ("name", "lets_in"), [("new@x.test", True), ("contact@x.test", False), ("who@x.test", False)]
    )
    def test_of_whoever_was_let_in_again(self, name: str, lets_in: bool) -> None:
        """That an account with the leaver's contact address was enabled says nothing of the leaver's."""
        one = account("google_workspace", "g1", "new@x.test", "contact@x.test")
        names = names_of([one], None, ConnectionId("google_workspace"), contacts=False)
        enabled = Activity(K.ENABLED, AT, "x", actor="admin@x.test", object_id=name)
        assert openers._lets_in(enabled, names) is lets_in

    @pytest.mark.parametrize(("days", "lets_in"), [(-1, True), (1, False)])
    def test_of_whoever_was_let_in_under_a_former_name(self, days: int, *, lets_in: bool) -> None:
        """Once the name had ended, it may be somebody else's who was enabled."""
        one = account("google_workspace", "g1", "new@x.test")
        one.addresses |= {"names": {"old@x.test": (AT - timedelta(days=9)).isoformat(), "new@x.test": AT.isoformat()}}
        names = names_of([one], None, ConnectionId("google_workspace"), contacts=False)
        at = AT + timedelta(days=days)
        assert (
            openers._lets_in(Activity(K.ENABLED, at, "x", actor="admin@x.test", object_id="Old@x.test"), names)
            is lets_in
        )

    def test_by_the_search_s_own_times(self) -> None:
        """Where the log was searched by the name, since when it was the account's is known better."""
        one, given = account("microsoft365", "m1", "new@x.test"), AT - timedelta(days=5)
        one.addresses |= {"names": {"old@x.test": (AT - timedelta(days=9)).isoformat(), "new@x.test": AT.isoformat()}}
        row = asked(one, **{"old@x.test": [given.isoformat(), AT.isoformat()]})
        names = names_of([one], row, ConnectionId("microsoft365"), contacts=False)
        assert not is_theirs(names, Activity(K.DOWNLOAD, AT - timedelta(days=6), "x", actor_id="old@x.test"))

    def test_of_two_accounts(self) -> None:
        """What one account was called once, another of the leaver's may be called now."""
        second = account("microsoft365", "m2", "old@x.test")
        for accounts in ([self.OLD, second], [second, self.OLD]):
            names = names_of(accounts, self.RENAMED, ConnectionId("microsoft365"), contacts=False)
            assert is_theirs(names, Activity(K.DOWNLOAD, AT + timedelta(days=1), "x", actor_id="old@x.test"))

    @pytest.mark.parametrize("contacts", [False, True])
    def test_contacts(self, contacts: bool) -> None:
        one = account("slack", "U1", "me@x.test", "me@home.test")
        names = names_of([one], None, ConnectionId("slack"), contacts=contacts)
        assert is_theirs(names, Activity(K.DOWNLOAD, AT, "x", actor_id="me@home.test")) is contacts
