"""What is late, silent or unattended is told at once, the cut that is overdue loudest, and nothing else is told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from audit.anchors import raise_alarm
from casework import heartbeat
from casework.decisions import pausing
from casework.health import _ANSWERS_WITHIN, Alarm, Health, health, health_soon
from casework.heartbeat import HeartbeatWriter
from casework.messages import message
from casework.settings import CaseworkSettings
from casework.sweeping import unclaimed
from models.tables import Case, CaseEntitlement, Collection, Heartbeat, Look, Question
from models.vocabulary import CaseState, Confirmation, EntitlementKind, EntitlementState, QuestionKind
from tests.casework.conftest import Office
from tests.casework.test_unclaimed import change, due

SETTINGS = CaseworkSettings(witness_policy_file=None, timestamp_urls=())


def codes(office: Office, after: float = 0.0) -> dict[str, Alarm]:
    """Return the alarms *after* so many seconds, by code, each once."""
    office.clock.pass_by(seconds=after)
    found = health(office.context, SETTINGS).alarms
    assert len({alarm.code for alarm in found}) == len(found)
    words = (message(alarm.code, **alarm.facts) for alarm in found)
    assert all(text for one in words for text in (*one.said, *one.remedy))
    return {alarm.code: alarm for alarm in found}


def put(office: Office, *rows: Any) -> None:
    with office.context.store.write() as session:
        session.add_all(rows)


def beat(office: Office, role: str = "serve", host: str = "one", pid: int = 1, **values: Any) -> Heartbeat:
    return Heartbeat(role=role, host=host, pid=pid, **({"beat_at": office.clock.at} | values))


class TestOverdue:
    def test_a_cut_that_nobody_began(self, office: Office) -> None:
        """Ten seconds after its instant a case of which nothing was asked is the loudest alarm, by its id and how late it is."""
        case = due(office)
        assert "cut_overdue" not in codes(office, 9.9)
        alarm = codes(office, 0.2)["cut_overdue"]
        assert alarm.red
        assert alarm.facts == {"count": 1, "cases": (case.id,), "seconds": 10}

    def test_counts_from_a_late_decision(self, office: Office) -> None:
        """Who was reported late is not overdue before somebody decided the cut."""
        due(office, ahead=-86_400)
        assert "cut_overdue" not in codes(office, 9.9)
        assert codes(office, 0.2)["cut_overdue"].facts["seconds"] == 10

    def test_a_block_that_is_not_seen(self, office: Office) -> None:
        """A cut that was begun and is not seen within a minute is red as well."""
        due(office, state=CaseState.CUTTING)
        assert "block_not_seen" not in codes(office, 59)
        assert codes(office, 2)["block_not_seen"].red

    def test_one_that_rests_is_still_overdue(self, office: Office) -> None:
        """A case whose next try is in an hour is in nobody's hands, and not silent for it."""
        case = due(office)
        change(office, case.id, next_run_at=office.clock.at + timedelta(hours=1))
        assert unclaimed(office.context) == []
        assert "cut_overdue" in codes(office, 11)

    @pytest.mark.parametrize("state", sorted(CaseState))
    def test_before_it_is_contained_alone(self, office: Office, state: CaseState) -> None:
        """What was cut, restored, withdrawn is not overdue."""
        due(office, state=state)
        waits = state in {CaseState.OPEN, CaseState.PLANNED, CaseState.WAITING, CaseState.CUTTING}
        assert ({"cut_overdue", "block_not_seen"} & {*codes(office, 120)} != set()) is waits

    def test_a_plan_alone_is_never_overdue(self, office: Office) -> None:
        """Nobody decided to cut it."""
        due(office, for_real=False)
        assert codes(office, 3_600) == {}

    def test_a_pause_is_told_as_one(self, office: Office) -> None:
        """What a person has stopped is no alarm of the machine's, and is not forgotten either."""
        case = due(office)
        pausing.pause(office.context, by="taro", reason="wrong?", case_id=case.id)
        found = codes(office, 120)
        assert "cut_overdue" not in found
        assert not found["paused_overdue"].red
        assert found["paused_overdue"].facts["cases"] == (case.id,)

    def test_many_are_counted_and_twenty_named(self, office: Office) -> None:
        """A night that fails makes one alarm of bounded length, with the earliest cases."""
        first = due(office)
        with office.context.store.write() as session:
            for number in range(30):
                more = first.model_dump() | {
                    "id": f"case-{number:02}",
                    "employee_no": str(number),
                    "employee_key": str(number),
                }
                session.add(Case(**more))
        facts = codes(office, 11)["cut_overdue"].facts
        assert (facts["count"], len(facts["cases"])) == (31, 20)


class TestProcesses:
    def test_nobody_is_missed_without_a_case(self, office: Office) -> None:
        """A house without a case needs no process, and an installation is not red before its first day."""
        assert codes(office) == {}

    def test_the_serving_process_is_missed_red(self, office: Office) -> None:
        """With one case under way nobody guarantees its cut, weeks ahead."""
        case = office.report(employment_ends_on="2026-12-31")
        assert codes(office)["no_serving_process"].red
        put(office, beat(office))
        assert "no_serving_process" not in codes(office, 19)
        assert {"no_serving_process", "process_silent"} <= {*codes(office, 2)}
        change(office, case.id, state=CaseState.WITHDRAWN)
        assert "no_serving_process" not in codes(office)

    def test_the_watching_process_is_missed_while_looks_are_to_come(self, office: Office) -> None:
        """Nothing in it can delay a cut: amber."""
        case = due(office, state=CaseState.CLOSED)
        assert "no_watching_process" not in codes(office)
        put(office, Look(case_id=case.id, label="+30d", due_at=office.clock.at + timedelta(days=30)))
        assert not codes(office)["no_watching_process"].red
        put(office, beat(office, "watch"))
        assert "no_watching_process" not in codes(office)

    def test_one_of_two_falls_silent(self, office: Office) -> None:
        """A machine that is gone is told though another one serves; a process started again on the same machine is not missed."""
        office.report(employment_ends_on="2026-12-31")
        long_ago = office.clock.at - timedelta(minutes=5)
        put(
            office,
            beat(office),
            beat(office, pid=2, beat_at=long_ago),
            beat(office, host="two", beat_at=long_ago),
        )
        found = codes(office)
        assert {*found} == {"process_silent"}
        assert found["process_silent"].facts == {"process": "serve@two:1", "since": long_ago}

    @pytest.mark.parametrize(("turn", "red"), [("carry", True), ("sweep", False), ("workers", False)])
    def test_a_turn_that_fails(self, office: Office, turn: str, *, red: bool) -> None:
        """Prefect or its workers gone is amber, since cuts go on without; the carrying itself failing is red."""
        put(office, beat(office, turns={turn: "2026-11-30T05:00:00.000Z", "restores": None}))
        alarm = codes(office)["turn_fails"]
        assert alarm.red is red
        assert alarm.facts == {"process": "serve@one:1", "turn": turn, "since": datetime(2026, 11, 30, 5, tzinfo=UTC)}

    @pytest.mark.parametrize("ahead", [6.0, -6.0])
    def test_a_clock_that_is_off(self, office: Office, ahead: float) -> None:
        """Six seconds to either side are told, of whichever machine: a machine that is behind counts below zero."""
        put(office, beat(office, clock_ahead=ahead), beat(office, host="two", clock_ahead=1.9))
        assert codes(office)["clock_off"].facts == {"process": "serve@one:1", "seconds": -ahead}


class TestUnattended:
    def test_a_question_near_its_instant(self, office: Office) -> None:
        """Within a day of the instant, and after it, a question that nobody answered is told; weeks ahead it is not."""
        case = office.report(employment_ends_on="2026-12-31")
        asked = Question(
            id="q",
            case_id=case.id,
            kind=QuestionKind.WHOSE_ACCOUNT,
            text="whose?",
            asked_at=office.clock.at,
            wanted_by=case.due_at,
        )
        put(office, asked, beat(office))
        assert "questions_near" not in codes(office)
        office.clock.at = case.due_at - timedelta(days=1)
        put(office, beat(office, pid=2))
        assert codes(office)["questions_near"].facts == {"count": 1, "cases": (case.id,), "due": case.due_at}
        with office.context.store.write() as session:
            session.get_one(Question, "q").answered_at = office.clock.at
        assert "questions_near" not in codes(office)

    def test_looks_that_nobody_takes(self, office: Office) -> None:
        """A look an hour behind its time is told; one that waits for tomorrow, was taken, or is of a case taken back is not."""
        case, now = due(office, state=CaseState.CLOSED), office.clock.at
        put(
            office,
            beat(office, "watch"),
            Look(case_id=case.id, label="+1h", due_at=now - timedelta(minutes=59)),
            Look(case_id=case.id, label="+24h", due_at=now + timedelta(days=1)),
            Look(case_id=case.id, label="+7d", due_at=now - timedelta(days=1), looked_at=now),
        )
        assert codes(office) == {}
        put(office, beat(office, "watch", pid=2, beat_at=now + timedelta(minutes=2)))
        assert codes(office, 120)["looks_behind"].facts == {"count": 1, "since": now - timedelta(minutes=59)}
        change(office, case.id, state=CaseState.RESTORED)
        assert "looks_behind" not in codes(office)

    def test_a_reading_that_does_not_go_on(self, office: Office) -> None:
        """A log whose reading has given nothing for an hour is told, but one that the vendor put off is not."""
        case, now = due(office, state=CaseState.CONTAINED), office.clock.at
        row = Collection(
            id="r", case_id=case.id, connection="slack", account_id="U1", account_ref="a", source="logs", round=1,
            from_at=now, until_at=now, file="f", begun_at=now, moved_at=now - timedelta(minutes=61),
            not_before=now - timedelta(minutes=59),
        )  # fmt: skip
        put(office, row, beat(office, "watch"))
        assert codes(office) == {"no_serving_process": codes(office)["no_serving_process"]}
        assert codes(office, 61)["logs_behind"].facts["count"] == 1

    def test_an_anchor_that_nobody_made(self, office: Office) -> None:
        """Where somebody outside vouches for the trail, events that wait for it for more than two hours are told."""
        office.report(employment_ends_on="2030-12-31")
        vouched = CaseworkSettings(witness_policy_file=None, timestamp_urls=("https://tsa.example",))
        office.clock.pass_by(minutes=119)
        put(office, beat(office))
        assert health(office.context, vouched).state == "ok"
        office.clock.pass_by(minutes=2)
        put(office, beat(office, pid=2))
        assert [alarm.code for alarm in health(office.context, vouched).alarms] == ["anchors_behind"]
        assert codes(office) == {}

    def test_witnesses_that_saw_another_history(self, office: Office) -> None:
        """A witness's alarm is told by its name, with no time of which nothing is known, until a person has cleared it."""
        with office.context.store.write() as session:
            raise_alarm(session.connection(), office.context.store.trail.origin, "w.example", b"note", office.clock.at)
        assert codes(office)["history_disputed"].facts == {"witnesses": ("w.example",)}

    def test_an_account_that_a_restore_left_open(self, office: Office) -> None:
        """A block that a restore lifted, and of which no end is known after two minutes, is red, whatever the case's state."""
        case, now = due(office, state=CaseState.RESTORING), office.clock.at
        row = CaseEntitlement(
            id="row", case_id=case.id, connection="slack", account_id="U1", kind=EntitlementKind.SIGN_IN,
            vendor_id="account", state=EntitlementState.FOUND, confirmation=Confirmation.READ, found_at=now, lifted_at=now,
        )  # fmt: skip
        put(office, row)
        assert "restore_left_open" not in codes(office, 119)
        alarm = codes(office, 2)["restore_left_open"]
        assert (alarm.red, alarm.facts) == (True, {"count": 1, "cases": (case.id,)})


class TestAnswer:
    def test_each_alarm_says_how_loud_it_is(self) -> None:
        """A monitor that reads the payload sees of each alarm whether it is red."""
        alarms = (Alarm("cut_overdue", red=True), Alarm("process_silent", red=False))
        told = Health(datetime.now(UTC), alarms).payload["alarms"]
        assert [alarm["state"] for alarm in told] == ["red", "amber"]

    def test_an_answer_in_time_is_given(self) -> None:
        """What was found within the second is what is told."""
        found = Health(datetime.now(UTC), (Alarm("process_silent", red=False),))
        assert health_soon(lambda: found) is found

    def test_the_loudest_first(self, office: Office) -> None:
        """Whoever reads one line reads of the overdue cut."""
        case = due(office)
        put(office, beat(office, beat_at=case.due_at, turns={"sweep": "2026-11-30T05:00:00.000Z"}))
        office.clock.pass_by(seconds=15)
        found = health(office.context, SETTINGS)
        assert [alarm.code for alarm in found.alarms] == ["cut_overdue", "turn_fails"]
        assert (found.state, found.payload["alarms"][0]["code"]) == ("red", "cut_overdue")

    def test_names_nobody(self, office: Office) -> None:
        """What is told to whoever asks the serving process holds case ids, and no person."""
        due(office)
        told = str(codes(office, 60)) + str(health(office.context, SETTINGS).payload)
        assert "case-" in told
        assert not [name for name in ("空子", "e1@", "'E1'") if name in told]

    def test_within_a_second(self) -> None:
        """A database that hangs is an answer, in a second; one that refuses is raised."""
        never = threading.Event()

        def hang() -> Health:
            never.wait()
            raise AssertionError

        found = health_soon(hang)
        assert _ANSWERS_WITHIN < 1  # and not the watch's: this machine may be busy
        assert [alarm.code for alarm in found.alarms] == ["database_silent"]
        assert found.state == "red"
        never.set()

        def refuse() -> Health:
            raise ConnectionRefusedError

        with pytest.raises(ConnectionRefusedError):
            health_soon(refuse)


class TestPulse:
    def turn(self, office: Office, own: HeartbeatWriter, *, well: bool) -> datetime:
        """Take one turn and give a sign; return when it began."""
        own.begins("sweep")
        began = office.clock.at
        own.ended("sweep", well=well)
        own.beat()
        return began

    def test_tells_since_when_a_turn_fails(self, office: Office) -> None:
        """The first failure after a success counts, and a success ends it."""
        own = HeartbeatWriter(office.context, "serve")
        first = self.turn(office, own, well=False)
        office.clock.pass_by(seconds=5)
        self.turn(office, own, well=False)
        assert codes(office)["turn_fails"].facts["since"] == first
        self.turn(office, own, well=True)
        assert codes(office) == {}

    @pytest.mark.parametrize(("role", "seconds"), [("serve", 60), ("watch", 600)])
    def test_tells_a_turn_that_does_not_come_back(self, office: Office, role: str, seconds: int) -> None:
        """A service that accepts and is silent fails nothing: a turn that hangs is told since it began, until it ends."""
        own = HeartbeatWriter(office.context, role)
        own.begins("rechecks")
        began = office.clock.at
        office.clock.pass_by(seconds=seconds - 1)
        own.beat()
        assert codes(office) == {}
        office.clock.pass_by(seconds=2)
        own.beat()
        assert codes(office)["turn_fails"].facts["since"] == began
        own.ended("rechecks", well=True)
        own.beat()
        assert codes(office) == {}

    def test_ends_with_its_process(self, office: Office) -> None:
        """Who stopped in order is not missed; a sign given again is one row."""
        own = HeartbeatWriter(office.context, "watch")
        own.beat()
        own.beat()
        with office.context.store.read() as session:
            assert len(session.exec(select(Heartbeat)).all()) == 1
        own.stop()
        own.stop()
        assert codes(office, 3_600) == {}

    def test_forgets_who_is_gone_for_a_day(self, office: Office) -> None:
        """A machine that was taken away is told for a day."""
        put(office, beat(office, host="gone"))
        assert "process_silent" in codes(office, 86_390)
        office.clock.pass_by(seconds=20)
        HeartbeatWriter(office.context, "watch").beat()
        assert "process_silent" not in codes(office)

    def test_four_signs_fit_in_the_patience(self) -> None:
        """One sign that is late raises no alarm."""
        assert heartbeat.PERIOD * 4 <= 20
