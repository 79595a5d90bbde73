"""
The company: so many people over so many days, some with a planted leak, each weighed as a leaver.

Each person follows from the seed and a number alone, so that many processes may share the work.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from casework.activity.comparison import Comparison
from casework.activity.reason import Reason
from casework.activity.risk import reasons_of, verdict_of
from casework.activity.tally import Tally
from casework.policy import ActivityPolicy as Rules
from connectors.activity import Activity
from tests.planted.honest import APART, HONEST
from tests.planted.leaks import LEAKS, Plant
from tests.planted.people import LOGS, ROLES, Person
from tests.planted.truth import is_true

TOKYO = ZoneInfo("Asia/Tokyo")
_ENDS = [date(2026, month, 28) for month in range(1, 13)]


@dataclass(frozen=True, slots=True)
class Company:
    """*people* of whom *leaks* leak, the kinds one after the other; *seed* names it.  *ends_on*: everybody's last day, else one of 2026's."""

    seed: str
    people: int = 1_000
    leaks: int = 40
    ends_on: date | None = None

    def person(self, number: int) -> tuple[Person, str, Plant | None]:
        """Return somebody with what happens to them, by its word, and what they planted; the first *leaks* numbers leak."""
        chance = random.Random(f"{self.seed}/{number}")
        role = ROLES[chance.choices(list(ROLES), [role.weight for role in ROLES.values()])[0]]
        ends_on = self.ends_on or chance.choice(_ENDS) + timedelta(days=chance.randint(0, 3))
        p = Person(self.seed, number, chance, role, ends_on, level=min(chance.lognormvariate(0, 0.6), 6))
        p.is_quiet = chance.random() < 0.1
        happens = chance.choices(list(HONEST), list(HONEST.values()))[0]
        if number >= self.leaks or happens not in APART:
            happens(p)
        if number < self.leaks:
            leak, each = LEAKS[number % len(LEAKS)], max(self.leaks // len(LEAKS), 1)
            stealth = min((number // len(LEAKS) + chance.random()) / each, 1.0)
            return p, leak.__name__, leak(p, stealth)
        return p, happens.__name__, None

    def weigh(self, number: int) -> Weighed:
        """Weigh one person as a summary does."""
        p, word, plant = self.person(number)
        tally = tally_of(p)
        reasons = reasons_of(Comparison(tally, dict.fromkeys(LOGS, p.first_on), p.hr))
        a_day = sum(tally.days.values(), Counter[date]())
        first = reasons[0] if reasons else None
        true = plant is not None and first is not None and is_true(first, plant, p)
        return Weighed(
            number,
            word,
            verdict_of(reasons),
            tuple(map(_word, reasons)),
            max(a_day.values(), default=0),
            leaks=plant is not None,
            true=true,
        )


def _word(reason: Reason) -> str:
    return reason.reason


def tally_of(p: Person) -> Tally:
    """Count all that *p* did."""
    tally = Tally(TOKYO, p.notice_on, p.ends_on, Rules(), p.addresses)
    told: dict[str, list[Activity]] = {log: [] for log in LOGS}
    begins_at, ends_at = p.begins_at, p.ends_at
    for log, act in p.done():
        if begins_at <= act.at < ends_at:
            told[log].append(act)
    for log, acts in told.items():
        if acts:
            tally.add(log, "paper", acts)
    return tally


@dataclass(frozen=True, slots=True)
class Weighed:
    """What came of one person: *word* is what happened, *peak* the takes of the fullest day; *true*: the first sentence is true of the plant."""

    number: int
    word: str
    verdict: str
    reasons: tuple[str, ...]
    peak: int
    leaks: bool
    true: bool

    @property
    def is_accused(self) -> bool:
        """Whether something is called unusual."""
        return self.verdict == "unusual"
