"""
Why what the leaver took is unusual, or why it cannot be called usual: one sentence a reason, with its figures.

Nothing is decided by a hidden score.  Every reason compares with the person's own days before the notice: whoever always
worked with much is not unusual for that.  Thresholds are policy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from casework.activity.comparison import Comparison, expected
from casework.activity.tally import SHARES
from casework.messages import Message, Said, message
from models.vocabulary import TAKES, ActivityKind

_LARGE = 100_000_000
"""Bytes from which on what applications fetched is more than calendars and notifications."""
_MONTHS_OF_A_HABIT = 3
_UNCLEAN = frozenset(
    {"programs", "applications", "takeout", "no_baseline", "odd_records", "other_names", "incomplete", "not_read_since"}
)


class Reason:
    """
    One reason by its word, said with *facts*: those that are no words themselves are its figures.

    *unclean*: it does not say that something is unusual, but that nobody can say it is not.
    """

    def __init__(self, reason: str, /, **facts: object) -> None:
        self.reason, self.unclean = reason, reason in _UNCLEAN
        self.figures = {name: fact for name, fact in facts.items() if not isinstance(fact, Message | Said)}
        self.said = message(f"risk_{reason}", **facts).said

    @property
    def fields(self) -> dict[str, Any]:
        """As it stands in a summary."""
        return {"reason": self.reason, **self.said.fields, "figures": self.figures, "unclean": self.unclean}


def reasons_of(comparison: Comparison) -> list[Reason]:
    """
    Return every reason, the weightiest first; none is left out because another says enough.

    Where no day is known to compare with, nothing is called unusual: the figures are told, and that they prove nothing.
    """
    looks = _LOOKS if comparison.known_days else (_takeout, _programs)
    return [reason for look in (*looks, _uncompared) for reason in look(comparison)]


def verdict_of(reasons: Sequence[Reason]) -> str:
    """Return `unusual`, `cannot_say` (something stands against declaring the leaver clean) or `nothing_unusual`."""
    if any(not reason.unclean for reason in reasons):
        return "unusual"
    return "cannot_say" if reasons else "nothing_unusual"


def _volume(w: Comparison) -> Iterator[Reason]:
    takes = sum(w.since.values())
    by_weekday = sum(w.of(w.tally.notice_on + timedelta(days=n)).median for n in range(w.days_since))
    on_average = w.as_before(sum(w.before.values()))
    usual = max(by_weekday, on_average)  # who takes much once a month has a median of nothing
    if takes >= w.rules.volume and takes > w.rules.ratio * usual:
        views = w.tally.since.kinds[ActivityKind.VIEW_AS_DOWNLOAD]
        yield Reason(
            "volume", takes=takes, expected=round(usual), days=w.days_since,
            unusual_days=len(_unusual_days(w, w.since)), baseline_days=w.known_days,
            than=message("volume_times", times=takes / usual) if usual >= 1 else message("volume_against"),
            views=message("volume_views", views=views) if views else Said("", ""),
        )  # fmt: skip


def _days(w: Comparison) -> Iterator[Reason]:
    since, before = _unusual_days(w, w.since), _unusual_days(w, w.before)
    for word, days in (("days", since), ("days_before", before)):
        excess = _excess(w, days)
        grown = days is since and w.rises(excess, _excess(w, before))
        if excess < w.rules.volume or (_is_habit(before) and not grown):
            continue
        peak = max(days, key=lambda day: days[day])
        yield Reason(
            word,
            days=len(days),
            peak_on=str(peak),
            peak=days[peak],
            usual=round(w.of(peak).median),
            excess=round(excess),
        )


def _excess(w: Comparison, days: Mapping[date, int]) -> float:
    return sum(number - w.of(day).median for day, number in days.items())


def _is_habit(before: Mapping[date, int]) -> bool:
    """Whether days like the fullest one came in three months or more: whoever closes the books does so every month."""
    full = [day for day, number in before.items() if 2 * number >= max(before.values())]
    return len({(day.year, day.month) for day in full}) >= _MONTHS_OF_A_HABIT


def _unusual_days(w: Comparison, days: Mapping[date, int]) -> dict[date, int]:
    """Return the days above their weekday's limit, above any usual working day's, and above policy's floor."""
    active = w.before.values()
    floor = max(float(w.rules.day_floor), expected(active, mads=w.rules.mads).limit if active else 0.0)
    return {day: number for day, number in days.items() if number > max(floor, w.of(day).limit)}


def _marked(w: Comparison) -> Iterator[Reason]:
    since, before = w.tally.since.marked, w.tally.before.marked
    if since >= w.rules.marked and w.rises(since, before):
        yield Reason("marked", marked=since, before=before, days=w.known_days)


def _shares(w: Comparison) -> Iterator[Reason]:
    since, before = w.tally.since.of(SHARES), w.tally.before.of(SHARES)
    if since >= w.rules.shares and w.rises(since, before):
        yield Reason("shares", shares=since, before=before, days=w.known_days)


def _burst(w: Comparison) -> Iterator[Reason]:
    before = max(w.tally.before.hours.values(), default=0)
    for hour, number in w.tally.since.hours.most_common(1):
        if number >= max(w.rules.burst, 2 * before):
            yield Reason("burst", burst=number, before=before, at=f"{hour:%Y-%m-%d %H:00}")


def _off_hours(w: Comparison) -> Iterator[Reason]:
    number = w.tally.since.off_hours
    now, then = (half.off_hours / max(half.of(TAKES), 1) for half in (w.tally.since, w.tally.before))
    if number >= w.rules.off_hours and now - then >= w.rules.off_share:
        begins, ends = w.rules.work_hours
        yield Reason(
            "off_hours", begins=begins, ends=ends, off_hours=number,
            share_percent=round(100 * now), before_percent=round(100 * then),
        )  # fmt: skip


def _folders(w: Comparison) -> Iterator[Reason]:
    before = max(map(len, w.tally.before.folders.values()), default=0)
    number, day = max(((len(seen), day) for day, seen in w.tally.since.folders.items()), default=(0, None))
    if number >= w.rules.folders and number > w.rules.ratio * before:
        yield Reason("folders", folders=number, before=before, on=str(day))


def _origins(w: Comparison) -> Iterator[Reason]:
    since, before = w.tally.since, w.tally.before
    for word, seen, known in (
        ("new_addresses", since.addresses, before.addresses),
        ("new_devices", since.devices, before.devices),
    ):
        new = {name: number for name, number in seen.items() if name not in known and number > 0}
        taken = sum(new.values())
        if known and taken >= w.rules.new_origin and w.rises(len(new), len(known)):
            yield Reason(word, takes=taken, new=len(new), known=len(known))


def _programs(w: Comparison) -> Iterator[Reason]:
    if w.tally.programs:
        yield Reason("programs", programs=w.tally.programs)
    known = {name for _, name in w.tally.before.applications}
    compared = {name for log, name in w.tally.since.applications if log not in w.missing}
    fresh = compared - known  # a log without days before the notice shows none that is new
    if w.tally.program_size >= _LARGE or (w.known_days and fresh):
        yield Reason("applications", new_applications=len(fresh), bytes=w.tally.program_size)


def _takeout(w: Comparison) -> Iterator[Reason]:
    if takeouts := sum(half.kinds[ActivityKind.TAKEOUT] for half in (w.tally.before, w.tally.since)):
        yield Reason("takeout", takeouts=takeouts)


def _uncompared(w: Comparison) -> Iterator[Reason]:
    """Say what was taken from logs that reach too little back to say what is usual there."""
    taken = {
        log: sum(number for day, number in w.tally.days[log].items() if day >= w.tally.notice_on)
        for log in w.missing
        if log in w.tally.days
    }
    if takes := sum(taken.values()):
        half, logs = w.tally.since, tuple(log for log, number in taken.items() if number)
        yield Reason("no_baseline", takes=takes, marked=half.marked, off_hours=half.off_hours, logs=logs)


_LOOKS: tuple[Callable[[Comparison], Iterator[Reason]], ...] = (
    _volume, _takeout, _programs, _marked, _off_hours, _burst, _folders, _shares, _origins, _days,
)  # fmt: skip
