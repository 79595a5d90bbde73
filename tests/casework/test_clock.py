"""Of several machines none has to be right about the time: all of them tell the database's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from casework.clock import DatabaseClock

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


class Machine:
    """A machine whose clock is *wrong* by so much."""

    def __init__(self, wrong: timedelta) -> None:
        self.wrong = wrong
        self.true = NOON
        self.clock = DatabaseClock(lambda: self.true + self.wrong)

    def ask(self, there: timedelta, back: timedelta) -> None:
        """Ask the database for its time, which takes so long on the way there and back."""
        asked_at = self.clock.machine()
        self.true += there
        told = self.true
        self.true += back
        self.clock.compare(asked_at, told, self.clock.machine())


@pytest.fixture(params=[-6_000, 0, 6_000], ids="{} ms".format)
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param * MS)


class TestDatabaseClock:
    def test_before_it_was_compared_it_is_the_machines(self, machine: Machine) -> None:
        """SQLite has no clock of its own, and needs none: one machine writes to it."""
        assert machine.clock() == machine.clock.machine() == machine.clock.earliest(machine.clock.machine())

    @pytest.mark.parametrize(("there", "back"), [(5, 5), (0, 10), (10, 0)])
    def test_the_truth_lies_between_earliest_and_latest(self, machine: Machine, there: int, back: int) -> None:
        """However the way there and back share the time that the answer took."""
        machine.ask(there * MS, back * MS)
        stamp = machine.clock.machine()
        assert machine.clock.earliest(stamp) <= machine.true <= machine.clock.latest(stamp)
        assert machine.clock.uncertainty == 5 * MS
        assert abs(machine.clock() - machine.true) <= 5 * MS

    def test_a_slow_answer_does_not_replace_an_exact_one(self, machine: Machine) -> None:
        """Who had to wait for the lock knows less than before; after a minute clocks may have parted, and it counts."""
        machine.ask(1 * MS, 1 * MS)
        machine.ask(2_000 * MS, 1 * MS)
        assert machine.clock.uncertainty == 1 * MS
        machine.true += timedelta(minutes=1)
        machine.ask(4 * MS, 4 * MS)
        assert machine.clock.uncertainty == 4 * MS

    @pytest.mark.parametrize(("there", "back"), [(0, 30_000), (30_000, 0)])
    def test_a_process_that_was_stopped_meanwhile_learns_nothing(self, machine: Machine, there: int, back: int) -> None:
        """Half a minute between question and answer would put its clock wrong by a quarter: the former comparison stands."""
        machine.ask(1 * MS, 1 * MS)
        machine.ask(there * MS, back * MS)
        assert abs(machine.clock() - machine.true) <= 1 * MS
        machine.true += timedelta(minutes=2)
        machine.ask(there * MS, back * MS)
        assert abs(machine.clock() - machine.true) <= 1 * MS

    @pytest.mark.parametrize("step", [-90_000, -2_000, 2_000, 90_000])
    def test_a_clock_that_was_set_is_seen_by_the_next_answer(self, machine: Machine, step: int) -> None:
        """What excludes the former measurement replaces it, however exact that one was."""
        machine.ask(1 * MS, 1 * MS)
        machine.wrong += step * MS
        machine.ask(20 * MS, 20 * MS)
        assert abs(machine.clock() - machine.true) <= 20 * MS

    @pytest.mark.parametrize("compared_before", [True, False])
    @pytest.mark.parametrize("step", [-90_000, -3_000])
    def test_a_clock_that_is_put_back_between_question_and_answer_tells_nothing(
        self, machine: Machine, step: int, *, compared_before: bool
    ) -> None:
        """An answer that came before its question has no middle: the earliest moment would lie after the latest."""
        if compared_before:
            machine.ask(1 * MS, 1 * MS)
        asked_at, told = machine.clock.machine(), machine.true
        machine.wrong += step * MS
        machine.clock.compare(asked_at, told, machine.clock.machine())
        stamp = machine.clock.machine()
        assert machine.clock.earliest(stamp) <= machine.clock() <= machine.clock.latest(stamp)


class TestReadsOfTwoMachines:
    @pytest.mark.parametrize("wrong", [-6_000, 6_000])
    @pytest.mark.parametrize("later", [-500, 500])
    def test_are_ordered_by_the_databases_clock(
        self, wrong: int, later: int, compared: Callable[[timedelta], DatabaseClock]
    ) -> None:
        """A read that another machine sent before the command was answered never counts after it, whatever its clock says."""
        cut, looked = compared(timedelta(0)), compared(wrong * MS)
        commanded_at = cut.latest(NOON)
        sent_at = looked.earliest(NOON + later * MS + wrong * MS)
        assert (sent_at > commanded_at) is (later > 0)


@pytest.fixture
def compared() -> Callable[[timedelta], DatabaseClock]:
    """Return the clock of a machine that is wrong by so much, compared with a database three milliseconds away."""

    def make(wrong: timedelta) -> DatabaseClock:
        machine = Machine(wrong)
        machine.ask(3 * MS, 3 * MS)
        return machine.clock

    return make
