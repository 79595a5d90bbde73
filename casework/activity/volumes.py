"""Reasons from amounts taken or viewed: in the window, on single days, in one file, since a change point months ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from statistics import mean, median
from typing import TYPE_CHECKING

from casework.activity.change_point import rise_in
from casework.activity.measure import is_more
from casework.activity.moved_work import moved_from
from casework.activity.reason import Reason
from casework.activity.tally import HUGE, PeriodCounts, by_day, whole
from casework.messages import BilingualText, message
from models.vocabulary import ActivityKind

if TYPE_CHECKING:
    from casework.activity.comparison import Comparison

_HEAVY = 5_000_000_000
"""Total bytes taken in the window from which `bytes` is a reason."""
_AT_ANY_TIME = 2
"""Times the least excess of the window: the months before it have more days on which there may be much to fetch."""
_MONTHS_OF_A_HABIT, _HALF_A_MONTH = 3, 15
_APART = timedelta(weeks=3)
"""Between two days of a monthly habit, at least: a choice."""
_DENSER = 1.5
"""Times the earlier share of marked files: who takes more files also takes more marked ones."""
_WITHOUT_A_WORD = 5
"""Times the level before, where the logs do not show how much the person made."""
_GROWN = 2
"""Times the level before: a smaller rise is ordinary work."""


def volume(w: Comparison) -> Iterator[Reason]:
    """Yield a reason if the window's takes together are many."""
    taken = w.measure(_takes)
    takes = taken.since
    usual = max(_by_weekday(w), taken.expected)  # who takes much once a month has a median of nothing
    if takes < w.rules.volume or takes <= w.rules.ratio * usual or takes <= taken.most:
        return
    times, work = takes / max(usual, 1), w.work_of(_weekdays(w))
    if w.is_explained(times, work):
        yield _more_work(takes, usual, work)
        return
    views = w.since.kinds[ActivityKind.VIEW_AS_DOWNLOAD]
    filled = sum(n for one in w.replacements for day, n in one.days.items() if day >= w.tally.notice_on)
    syncs = w.since.kinds[ActivityKind.SYNC] - filled
    yield Reason(
        "volume", takes=takes, expected=round(usual), days=w.window_days, unusual_days=len(w.unusual_days(w.taken_since)),
        baseline_days=taken.days, left_out=w.left_out,
        than=message("volume_times", times=takes / usual) if usual >= 1 else message("volume_against"),
        views=message("volume_views", views=views) if views else BilingualText("", ""),
        syncs=message("volume_syncs", syncs=syncs) if 2 * syncs > takes else BilingualText("", ""),
        without=message("volume_left_out", left_out=w.left_out) if w.left_out else BilingualText("", ""),
    ).moved(moved_from(w, _takes, w.tally.notice_on))  # fmt: skip


def _more_work(takes: int, usual: float, work: float | None) -> Reason:
    return Reason("more_work", takes=takes, expected=round(usual), work=round(work or 0, 1))


def _takes(half: PeriodCounts) -> Counter[date]:
    return by_day(half.hours)


def _sizes(half: PeriodCounts) -> Counter[date]:
    return half.size


def _views(half: PeriodCounts) -> dict[date, int]:
    return {day: len(seen) for day, seen in half.views.items()}


def _weekdays(w: Comparison) -> list[date]:
    return [day for day in w.window if day.weekday() < 5]


def _by_weekday(w: Comparison) -> float:
    return sum(w.of(day).median for day in w.window)


def size(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for one file larger than any before, and one for many bytes in total, where the log has sizes."""
    sizes, before = w.measure(_sizes), w.largest_before
    largest, on = max((part.since.largest for part in w.parts), default=(0, w.tally.notice_on))
    if w.is_long and largest >= HUGE and largest > w.rules.ratio * before:
        huge = Reason("huge_file", megabytes=largest // 10**6, before=before // 10**6, days=sizes.days, on=str(on))
        yield huge.moved(moved_from(w, _sizes, w.tally.notice_on))
    total, usual = sizes.since, sizes.expected
    much = total > w.rules.ratio * usual and total > _GROWN * sizes.most
    explained = w.is_explained(total / max(usual, 1), w.work_of(_weekdays(w)))
    if total >= _HEAVY and much and not explained:
        heavy = Reason("bytes", megabytes=total // 10**6, expected=round(usual / 10**6), days=sizes.days)
        yield heavy.moved(moved_from(w, _sizes, w.tally.notice_on))


def views(w: Comparison) -> Iterator[Reason]:
    """Yield a reason if many different files were opened on the screen; each counts once a day."""
    seen, since = w.measure(_views), _views(w.since)
    number, usual = seen.since, seen.expected
    if number < w.rules.volume or number <= w.rules.ratio * usual or number <= seen.most:
        return
    if w.is_explained(number / max(usual, 1), work := w.work_of(_weekdays(w))):
        yield _more_work(number, usual, work)
        return
    peak = max(since, key=since.__getitem__)
    viewed = Reason("views", views=number, expected=round(usual), days=seen.days, peak=since[peak], peak_on=str(peak))
    yield viewed.moved(moved_from(w, _views, w.tally.notice_on))


def marked(w: Comparison) -> Iterator[Reason]:
    """
    Yield a reason if files marked confidential are more than before, both in number and as a share of the takes.

    All marks together are tried first, then each mark, the most frequent first.  At most one reason.
    """
    if not w.is_long:
        return
    files = {mark: set[int]().union(*(part.since.marked_files[mark] for part in w.parts)) for mark in _marks(w)}
    taken = w.measure(_takes)
    for mark, seen in {"": set[int]().union(*files.values()), **files}.items():
        number = w.measure(partial(_marked, mark))
        share = (number.expected + number.once) / taken.expected if taken.expected else 0.0
        is_denser = is_more(number.since, share * taken.since, times=_DENSER)
        if len(seen) >= w.rules.marked and is_denser and number.has_risen:
            said = message("marked_alike", mark=mark) if mark else BilingualText("", "")
            yield Reason(
                "marked", marked=number.since, files=len(seen), before=number.before, days=number.days, alike=said
            )
            return


def _marks(w: Comparison) -> list[str]:
    """Return the marks of what was taken in the window, the most frequent first."""
    counts = Counter[str]()
    for (mark, _), number in whole(part.since for part in w.parts).marked.items():
        counts[mark] += number
    return sorted(counts, key=lambda mark: (-counts[mark], mark))


def _marked(mark: str, half: PeriodCounts) -> Counter[date]:
    """Return the takes with *mark* by day; with any mark if *mark* is empty."""
    counts = Counter[date]()
    for (one, day), number in half.marked.items():
        if mark in {"", one}:
            counts[day] += number
    return counts


def burst(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for the hour with the most takes, if it has twice those of any hour before."""
    before = max(w.before.hours.values(), default=0)
    for hour, number in w.since.hours.most_common(1):
        if number >= max(w.rules.burst, 2 * before):
            fullest = Reason("burst", burst=number, before=before, at=f"{hour:%Y-%m-%d %H:00}")
            yield fullest.moved(moved_from(w, _fullest_hours, w.tally.notice_on))


def _fullest_hours(half: PeriodCounts) -> dict[date, int]:
    """Return the takes of the fullest hour of each day."""
    most = dict[date, int]()
    for hour, number in half.hours.items():
        most[hour.date()] = max(number, most.get(hour.date(), 0))
    return most


def folders(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for the day with takes from the most folders.  Tidying up looks the same: never a reason by itself."""
    before = max(map(len, w.before.folders.values()), default=0)
    number, day = max(((len(seen), day) for day, seen in w.since.folders.items()), default=(0, None))
    if number >= w.rules.folders and number > w.rules.ratio * before:
        yield Reason("folders", folders=number, before=before, on=str(day))


def days(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for single unusual days in the window."""
    since, before = w.unusual_days(w.taken_since), w.unusual_days(w.taken_before)
    excess = sum(_excesses(w, since).values())
    grown = excess > w.rules.ratio * w.as_before(_excesses(w, before)) and max(since.values(), default=0) > max(
        before.values(), default=0
    )
    if excess >= _least(w) and (grown or not _is_habit(w, before)):
        yield from _told(w, "days", since, excess, w.tally.notice_on)


def days_before(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for single unusual days before the window, unless they recur and are a habit."""
    before = w.unusual_days(w.taken_before)
    excess = sum(_excesses(w, before).values())
    if excess >= _least(w, _AT_ANY_TIME) and not _is_habit(w, before):
        yield from _told(w, "days_before", before, excess, min(before))


def _least(w: Comparison, times: int = 1) -> float:
    """Return the least excess that is a reason: policy's `volume`, or *times* the window's usual takes, the greater one."""
    return max(w.rules.volume, times * _by_weekday(w))


def _told(w: Comparison, word: str, days: Mapping[date, int], excess: float, since: date) -> Iterator[Reason]:
    """Yield the reason *word* for *days*.  Work may have moved on the day *since* or later."""
    peak = max(days, key=days.__getitem__)
    usual = sum(w.of(day).median for day in days)
    times, work = sum(days.values()) / max(usual, 1), w.work_of(days)
    if w.is_explained(times, work):
        yield _more_work(sum(days.values()), usual, work)
        return
    great = Reason(
        word, days=len(days), peak_on=str(peak), peak=days[peak], usual=round(w.of(peak).median), excess=round(excess)
    )
    yield great.moved(moved_from(w, _takes, since))


def _excesses(w: Comparison, days: Mapping[date, int]) -> dict[date, float]:
    return {day: number - w.of(day).median for day, number in days.items()}


def _is_habit(w: Comparison, before: Mapping[date, int]) -> bool:
    """
    Whether days like the fullest one came in all months except one, and not only lately: an accountant who closes the books has one each month.
    The months are those of the log that reaches furthest back among those that show such days; a month that it shows by less than half
    may be the one without.  At least three such days are three weeks apart, so that the first days at work and one leak are no habit.
    """
    if not before:
        return False
    full = [day for day, number in before.items() if 2 * number >= max(before.values())]
    known = Counter((day.year, day.month) for day in w.showing(full)[0].days)
    shown = {month for month, number in known.items() if number >= _HALF_A_MONTH}
    closings = list[date]()
    for day in sorted(full):
        if not closings or day - closings[-1] >= _APART:
            closings.append(day)
    return len(closings) >= max(_MONTHS_OF_A_HABIT, len(shown) - 1) and min(full) < w.lately_from


def growth(w: Comparison) -> Iterator[Reason]:
    """Yield a reason if, for weeks, at least twice as much was taken on a working day as before; more work may explain it."""
    weekdays, levels = [*w.levels], [*w.levels.values()]
    point = rise_in(levels)
    if point is None:
        return
    earlier, later = weekdays[:point], weekdays[point:]
    before, now, taken = float(median(levels[:point])), float(median(levels[point:])), sum(levels[point:])
    excess = taken - len(later) * mean(levels[:point])
    if excess < w.rules.volume or now < _GROWN * max(before, 1):
        return
    times, work = now / max(before, 1), w.work_of(later, earlier)
    if w.is_explained(times, work):
        yield _more_work(round(taken), len(later) * before, work)
        return
    is_told = work is not None or times >= _WITHOUT_A_WORD
    yield Reason(
        "growth" if is_told else "growth_unclear", since_on=str(later[0]), now=round(now), before=round(before), excess=round(excess),
        days=len(later),
        work=message("growth_work", work=work) if work is not None else message("growth_unknown"),
    ).moved(moved_from(w, _takes, later[0]))  # fmt: skip
