"""Reasons from ways by which content may leave or the person may come in again: forwards, shares, exports, programs, devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from casework.activity.measure import Count
from casework.activity.moved_work import moved_from
from casework.activity.reason import Reason
from casework.activity.tally import HUGE, SHARES, PeriodCounts, by_day, whole
from casework.messages import joined, message
from models.vocabulary import ActivityKind as K

if TYPE_CHECKING:
    from casework.activity.comparison import Comparison

_LARGE = 100_000_000
"""Bytes fetched by applications from which they are more than calendars and notifications; a choice."""
_ENOUGH_WORK = 30
"""Fewest uploads, edits and mails in the window that show at which hours the person works."""
_NO_MORE = 1.5
"""Times the usual takes: with more than that, the takes have grown and not only moved to other hours."""
_WEIGHTY = SHARES | {K.FORWARD, K.DELEGATE, K.APP_PASSWORD, K.TAKEOUT}
"""Ways out that count even in a log without days to compare with; devices and applications do not, since everybody has them."""


def own_addresses(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for what went to the leaver's own addresses."""
    made = ((part, one) for part in w.parts for one in (part.before.own + part.since.own))
    lately = {kind for part, (kind, day) in made if day >= part.lately_on}
    kinds = (message(f"kind_{kind}") for kind in sorted(lately))
    yield from _new(w, "own_addresses", lambda half: _by_day(half.own), kinds=joined(kinds, ", ", "、"))


def forwards(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for forwards to the outside, made lately and hardly ever before."""
    yield from _new(w, "forwards", _exits(K.FORWARD), may_move=True)


def exports(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for whole exports made lately and hardly ever before."""
    yield from _new(w, "exports", _exits(K.TAKEOUT), may_move=True)


def exports_in_question(w: Comparison) -> Iterator[Reason]:
    """Yield an unclean reason for any whole export."""
    takeouts = sum(half.kinds[K.TAKEOUT] for halves in w.tally.halves.values() for half in halves)
    if takeouts:
        yield Reason("takeout", takeouts=takeouts)


def ways_in_question(w: Comparison) -> Iterator[Reason]:
    """Yield reasons for new app passwords, delegates, devices, grants, forwards without a target: the logs do not show which belong to work."""
    yield from _new(w, "forwards_unclear", lambda half: half.unclear, least=w.rules.shares)
    for word, kind, least in (
        ("app_passwords", K.APP_PASSWORD, 1), ("delegates", K.DELEGATE, 1), ("devices", K.DEVICE, 1), ("grants", K.GRANT, w.rules.shares)
    ):  # fmt: skip
        yield from _new(w, word, _exits(kind), least=least)


def _new(
    w: Comparison, word: str, of: Count, *, least: int = 1, may_move: bool = False, **facts: object
) -> Iterator[Reason]:
    """
    Yield a reason for what was made since two months before the notice, if it is at least *least* and more than earlier days let expect.

    *may_move*: it belongs to work that may have moved from another log.
    """
    made = w.measure(of)
    number = made.lately.total()
    if number >= least and made.is_new and made.longest is not None:
        yield Reason(
            word, number=number, first_on=str(min(made.lately)), since_on=str(made.longest.lately_on), before=made.older,
            days=len(made.longest.older), **facts,
        ).moved(moved_from(w, of, min(made.lately)) if may_move else ())  # fmt: skip


def _exits(*kinds: K) -> Count:
    """Return a function that counts the ways out of *kinds* by day."""

    def of(half: PeriodCounts) -> Counter[date]:
        return _by_day({(kind, day): number for (kind, day), number in half.exits.items() if kind in kinds})

    return of


def _by_day(made: Mapping[tuple[K, date], int]) -> Counter[date]:
    counts = Counter[date]()
    for (_, day), number in made.items():
        counts[day] += number
    return counts


def shares(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for shares with outsiders or by public link."""
    made = w.measure(_exits(*SHARES))
    if w.is_long and made.since >= w.rules.shares and made.has_risen:
        shared = Reason("shares", shares=made.since, before=made.before, days=made.days)
        yield shared.moved(moved_from(w, _exits(*SHARES), w.tally.notice_on))


def programs(w: Comparison) -> Iterator[Reason]:
    """Yield a reason if programs fetched much that they did not fetch before."""
    fetched = w.measure(lambda half: half.programs)
    if fetched.since >= w.rules.burst and fetched.since > w.rules.ratio * fetched.expected:
        more = Reason("new_programs", programs=fetched.since, before=fetched.before, days=fetched.days)
        yield more.moved(moved_from(w, lambda half: half.programs, w.tally.notice_on))


def programs_in_question(w: Comparison) -> Iterator[Reason]:
    """Yield unclean reasons for takes by programs, and for applications that are new or fetched many bytes."""
    if count := sum(half.programs.total() for halves in w.tally.halves.values() for half in halves):
        yield Reason("programs", programs=count)
    fresh = {name for _, name in w.since.applications} - {name for _, name in w.ever.applications}
    if w.tally.program_size >= _LARGE or (w.known_days and fresh):
        yield Reason("applications", new_applications=len(fresh), bytes=w.tally.program_size)


def devices(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for files that went to devices not seen before, and an unclean one for each device that replaced another."""
    replaced = {one.name for one in w.replacements}
    new = {
        name: takes for name, takes in w.since.devices.items() if name not in w.ever.devices and name not in replaced
    }
    for one in w.replacements:
        yield Reason("replaced", files=one.days.total(), new_on=str(one.new_on), old_on=str(one.old_on))
    taken = sum(takes.total() for takes in new.values())
    on = {day for takes in new.values() for day, number in takes.items() if number}
    usual = w.usual_on(on)
    if w.ever.devices and taken >= w.rules.new_origin:
        many = taken >= max(w.rules.burst, w.rules.ratio * usual)
        word = "new_devices" if many else "other_devices"
        yield Reason(word, takes=taken, new=len(new), known=len(w.ever.devices), days=len(on), usual=round(usual))


def addresses(w: Comparison) -> Iterator[Reason]:
    """Yield a reason for addresses not seen before.  A journey or working at home looks the same: never a reason by itself."""
    known = w.ever.addresses
    new = {name: number for name, number in w.since.addresses.items() if name not in known and number}
    taken = sum(new.values())
    if known and taken >= w.rules.new_origin and len(new) > w.rules.ratio * w.parts[0].as_before(len(known)):
        yield Reason("new_addresses", takes=taken, new=len(new), known=len(known))


def off_hours(w: Comparison) -> Iterator[Reason]:
    """
    Yield a reason for takes outside policy's hours and the person's own earlier ones.

    None where the person's work, or all takes, moved to these hours: that is another shift.
    """
    takes = w.since.hours
    now, then = w.off_share(takes), w.off_share(w.before.hours)
    number = round(now * takes.total())
    if number >= w.rules.off_hours and now - then >= w.rules.off_share and not _is_another_shift(w, now, then):
        begins, ends = w.rules.work_hours
        yield Reason(
            "off_hours", begins=begins, ends=ends, off_hours=number, takes=takes.total(),
            share_percent=round(100 * now), before_percent=round(100 * then),
        )  # fmt: skip


def _is_another_shift(w: Comparison, now: float, then: float) -> bool:
    takes, usual = w.since.hours.total(), w.measure(lambda half: by_day(half.hours)).expected
    moved = takes < _NO_MORE * usual and (1 - now) * takes < (1 - then) * usual / 2
    made = w.made.total() >= _ENOUGH_WORK and now - w.off_share(w.made) < w.rules.off_share
    return moved or made


def uncompared(w: Comparison) -> Iterator[Reason]:
    """Yield an unclean reason for activity in logs that are known for too few days to say what is usual."""
    halves = {log: whole([w.tally.halves[log][1]]) for log in w.missing if log in w.tally.halves}
    exits = {
        log: sum(n for (kind, _), n in half.exits.items() if kind in _WEIGHTY) + half.own.total()
        for log, half in halves.items()
    }
    views = {log: sum(map(len, half.views.values())) for log, half in halves.items()}
    logs = tuple(
        log for log, half in sorted(halves.items()) if half.hours or exits[log] or views[log] >= w.rules.volume
    )
    if logs:
        every = w.tally.since
        yield Reason(
            "no_baseline", takes=sum(half.hours.total() for half in halves.values()), exits=sum(exits.values()), views=sum(views.values()), logs=logs,
            marked=every.marked.total(), off_hours=sum(number for hour, number in every.hours.items() if w.is_off(hour)),
        )  # fmt: skip


def too_short(w: Comparison) -> Iterator[Reason]:
    """Yield an unclean reason for rare things in logs known for fewer days than the window has: they may have had no time to happen before."""
    short = [part for part in w.parts if not part.is_long]
    if not short:
        return
    some, others = (whole(part.since for part in parts) for parts in (short, w.long))
    marked = _passing(w.rules.marked, *(len(set[int]().union(*half.marked_files.values())) for half in (some, others)))
    shares = _passing(w.rules.shares, *(sum(_exits(*SHARES)(half).values()) for half in (some, others)))
    if marked >= w.rules.marked or shares >= w.rules.shares or some.largest[0] >= HUGE:
        yield Reason(
            "too_short", marked=marked, shares=shares, megabytes=some.largest[0] // 10**6, days=len(short[0].days), window=w.window_days
        )  # fmt: skip


def _passing(least: int, some: int, others: int) -> int:
    """Return *some*, plus *others* where these alone are fewer than *least*; 0 if *some* is 0."""
    return some + others if some and others < least else some
