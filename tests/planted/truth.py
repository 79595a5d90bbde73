"""Whether the first sentence about a planted leak is true of it: its reason names what was planted, and its figures are those of the plant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from casework.activity.reason import Reason
from models.vocabulary import TAKES
from models.vocabulary import ActivityKind as K
from tests.planted.leaks import Plant
from tests.planted.people import Person

Figures = dict[str, Any]


def is_true(first: Reason, plant: Plant, p: Person) -> bool:
    """Whether *first* says of *p* what *plant* did; a reason that no plant of this kind could have caused is not true of it."""
    check = _CHECKS.get(first.reason)
    return first.reason in NAMES[plant.name] and check is not None and check(first.figures, plant, p)


def _near(said: float, planted: float, part: float = 0.35) -> bool:
    return abs(said - planted) <= part * planted


def _volume(f: Figures, plant: Plant, p: Person) -> bool:
    return _near(f["takes"] - f["expected"], plant.taken(p.notice_on))


def _days(f: Figures, plant: Plant, p: Person) -> bool:
    return _near(f["excess"], plant.taken(p.notice_on))


def _days_before(f: Figures, plant: Plant, p: Person) -> bool:
    before = plant.taken(last=p.notice_on - timedelta(days=1))
    return _near(f["excess"], before) and date.fromisoformat(f["peak_on"]) in plant.of(TAKES)


def _growth(f: Figures, plant: Plant, _p: Person) -> bool:
    first = min(plant.of(TAKES))
    return _near(f["excess"], plant.taken()) and abs(date.fromisoformat(f["since_on"]) - first) <= timedelta(days=21)


def _off_hours(f: Figures, plant: Plant, p: Person) -> bool:
    hours = ((day, hour) for (day, hour) in plant.hours if day >= p.notice_on)
    off = sum(plant.hours[one] for one in hours if one[0].weekday() >= 5 or not 7 <= one[1] < 20)
    return _near(f["off_hours"], off)


def _burst(f: Figures, plant: Plant, _p: Person) -> bool:
    return _near(f["burst"], max(plant.hours.values()))


def _marked(f: Figures, plant: Plant, _p: Person) -> bool:
    return bool(plant.marked <= f["marked"] <= plant.marked + max(3, 0.5 * plant.marked))


def _huge(f: Figures, plant: Plant, _p: Person) -> bool:
    return bool(f["megabytes"] == plant.largest // 10**6 and date.fromisoformat(f["on"]) in plant.of(TAKES))


def _views(f: Figures, plant: Plant, _p: Person) -> bool:
    return _near(f["views"] - f["expected"], sum(plant.of({K.VIEW}).values()))


def _made(*kinds: K) -> Callable[[Figures, Plant, Person], bool]:
    def check(f: Figures, plant: Plant, _p: Person) -> bool:
        made = plant.of(kinds)
        return bool(f["number"] == sum(made.values()) and f["first_on"] == str(min(made)))

    return check


def _programs(f: Figures, plant: Plant, _p: Person) -> bool:
    return _near(f["programs"], plant.taken(), 0.1)


def _devices(f: Figures, plant: Plant, _p: Person) -> bool:
    return _near(f["takes"], plant.taken(), 0.1)


_CHECKS: dict[str, Callable[[Figures, Plant, Person], bool]] = {
    "volume": _volume, "days": _days, "days_before": _days_before, "growth": _growth, "off_hours": _off_hours, "burst": _burst,
    "marked": _marked, "huge_file": _huge, "views": _views, "own_addresses": _made(K.EXTERNAL_SHARE), "forwards": _made(K.FORWARD),
    "exports": _made(K.TAKEOUT), "new_programs": _programs, "new_devices": _devices,
}  # fmt: skip
NAMES = {
    "night_bulk": {"volume", "days", "off_hours", "burst"},
    "slow": {"growth", "volume", "days"},
    "before_notice": {"days_before"},
    "few_marked": {"marked"},
    "one_archive": {"huge_file"},
    "views_only": {"views"},
    "own_share": {"own_addresses"},
    "forwarding": {"forwards"},
    "export": {"exports", "new_programs"},
    "new_device": {"new_devices", "volume", "days"},
}
"""By which reasons' words a planted leak may be named first."""
