"""The habits that emulated logs are made of: exact, in order, and each deed computed alone."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from datetime import date, timedelta

import pytest

from emulators import activity_profiles
from emulators.activity_profiles import TOKYO, ActivityProfile, Strand, Verb

LAST_DAY = date(2026, 11, 20)
PROFILES = (
    activity_profiles.ordinary,
    activity_profiles.heavy_leaver,
    activity_profiles.steady,
    activity_profiles.by_program,
    activity_profiles.returning,
)


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.__name__)
def habit(request: pytest.FixtureRequest) -> ActivityProfile:
    made: ActivityProfile = request.param("somebody", LAST_DAY)
    return made


class TestHabit:
    def test_exact_totals(self, habit: ActivityProfile) -> None:
        """Each strand happens exactly as often as it says."""
        said = Counter[Verb]()
        for strand in habit.strands:
            said[strand.verb] += strand.total
        assert Counter(deed.verb for deed in habit.deeds()) == said
        assert habit.count() == said.total()

    def test_order_and_days(self, habit: ActivityProfile) -> None:
        """Deeds come in the order of time, none outside the days of the strands."""
        instants = [deed.at for deed in habit.deeds()]
        assert instants == sorted(instants)
        first, last = min(s.first_on for s in habit.strands), max(s.last_on for s in habit.strands)
        assert all(first <= at.astimezone(TOKYO).date() <= last for at in (instants[0], instants[-1]))

    def test_any_deed_alone(self, habit: ActivityProfile) -> None:
        """A deed is the same whether it is read alone or on the way, and is found by its instant."""
        deeds = list(habit.deeds())
        for deed in deeds[:: max(1, len(deeds) // 50)]:
            assert habit.deed(deed.no) == deed
            assert habit.before(deed.at) <= deed.no < habit.before(deed.at + timedelta(milliseconds=1))

    def test_nothing_beyond(self, habit: ActivityProfile) -> None:
        """Before the first and after the last there is none."""
        for no in (-1, habit.count()):
            with pytest.raises(IndexError):
                habit.deed(no)

    def test_seed(self) -> None:
        """The same seed gives the same deeds, another one another person's."""
        twice = [list(activity_profiles.ordinary(seed, LAST_DAY).deeds()) for seed in ("a", "a", "b")]
        assert twice[0] == twice[1] != twice[2]

    def test_empty(self) -> None:
        """A part of a habit with none of its verbs has no deed."""
        nobody = activity_profiles.ordinary("a", LAST_DAY).only(Verb.TAKEOUT)
        assert (nobody.count(), list(nobody.deeds())) == (0, [])

    def test_a_million_in_no_memory(self) -> None:
        """A million deeds are computed when they are read, and are nowhere before."""
        tracemalloc.start()
        try:
            million = activity_profiles.many("x", LAST_DAY, 1_000_000)
            assert million.count() == 1_000_000
            assert million.deed(999_999).at > million.deed(500_000).at
            assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        finally:
            tracemalloc.stop()


class TestProfiles:
    def test_heavy_leaver(self) -> None:
        """37,000 downloads in the last thirty days beside the ordinary ones, in evenings and at weekends for the most part."""
        taken = [
            d for d in activity_profiles.heavy_leaver("x", LAST_DAY).deeds() if d.verb is Verb.DOWNLOAD and d.place == 1
        ]
        local = [deed.at.astimezone(TOKYO) for deed in taken]
        assert len(taken) == 37_000
        assert min(at.date() for at in local) > LAST_DAY - timedelta(days=30)
        assert all(not 9 <= at.hour < 18 for at in local)
        assert sum(at.weekday() >= 5 for at in local) > len(local) // 2

    def test_steady(self) -> None:
        """As many downloads in half a year, and in the last month no more a day than ever."""
        days = Counter(
            d.at.astimezone(TOKYO).date()
            for d in activity_profiles.steady("x", LAST_DAY).deeds()
            if d.verb is Verb.DOWNLOAD
        )
        month = [many for day, many in days.items() if day > LAST_DAY - timedelta(days=30)]
        before = [many for day, many in days.items() if day <= LAST_DAY - timedelta(days=30)]
        assert sum(month) / len(month) == pytest.approx(sum(before) / len(before), rel=0.15)
        assert all(day.weekday() < 5 for day in days)

    def test_strand_of_one(self) -> None:
        """A single deed falls on its day."""
        (deed,) = ActivityProfile("x", [activity_profiles.once(Verb.FORWARD, LAST_DAY)]).deeds()
        assert deed.at.astimezone(TOKYO).date() == LAST_DAY

    def test_apportioned(self) -> None:
        """What is divided adds up, wherever the left-overs go."""
        for total, shift in ((0, 0.0), (1, 0.99), (7, 0.5), (1000, 0.3)):
            parts = activity_profiles.apportioned(total, (0.0, 1.0, 2.0, 0.0, 3.0), shift)
            assert sum(parts) == total
            assert all(part >= 0 for part in parts)


def test_titles_bear_marks() -> None:
    """A tenth of the things are marked as confidential in their titles, in both languages."""
    marked = [
        n for n in range(400) if any(m in activity_profiles.title(n) for m in ("極秘", "社外秘", "秘_", "Confidential"))
    ]
    assert len(marked) == 40
    assert Strand(Verb.VIEW, 1, LAST_DAY, LAST_DAY).objects > 0
