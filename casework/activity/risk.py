"""
Why what the leaver took is unusual, or why it cannot be called usual: one sentence a reason, with its figures.

Nothing is decided by a hidden score.  Every reason compares with the person's own days before the notice: whoever always
worked with much is not unusual for that.  Thresholds are policy's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from casework.activity.baseline import Baseline, expected
from casework.activity.tally import Half, Tally
from casework.policy import Activity as Rules
from models.vocabulary import ActivityKind, Json

_LARGE = 100_000_000
"""Bytes from which on what applications fetched is more than calendars and notifications."""
_MONTHS_OF_A_HABIT = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence.  *reason* is its word; *unclean*: it does not say that something is unusual, but that nobody can say it is not."""

    reason: str
    text: str
    text_ja: str
    figures: dict[str, Json]
    unclean: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the reasons look at."""

    tally: Tally
    baseline: Baseline
    rules: Rules
    last_on: date

    @property
    def days_since(self) -> int:
        return max((self.last_on - self.tally.notice_on).days + 1, 1)

    @property
    def has_before(self) -> bool:
        return self.baseline.days > 0

    def per_day(self, *, compared: bool = False) -> dict[date, int]:
        """Return the takes of each day, all sources together, or those alone that can be *compared* with days before."""
        together: Counter[date] = Counter()
        for source, counts in self.tally.days.items():
            if not (compared and source in self.baseline.missing):
                together.update(counts)
        return together

    def takes(self, *, since: bool) -> int:
        """Return how many takes there were since the notice, or before it, where they can be compared."""
        days = self.per_day(compared=True)
        return sum(number for day, number in days.items() if (day >= self.tally.notice_on) is since)

    def rises(self, since: float, before: float) -> bool:
        """Whether a count in the notice window is *ratio* times what the days before it would give."""
        return since > self.rules.ratio * before * self.days_since / max(self.baseline.days, 1)


def reasons_of(comparison: Comparison) -> list[Reason]:
    """
    Return every reason, the weightiest first; none is left out because another says enough.

    Where no day is known to compare with, nothing is called unusual: the figures are told, and that they prove nothing.
    """
    looks = _LOOKS if comparison.has_before else (_takeout, _programs)
    return [reason for look in (*looks, _uncompared) for reason in look(comparison)]


def _volume(w: Comparison) -> Iterator[Reason]:
    takes, rules = w.takes(since=True), w.rules
    by_weekday = sum(w.baseline.of(w.tally.notice_on + timedelta(days=n)).median for n in range(w.days_since))
    on_average = w.takes(since=False) * w.days_since / max(w.baseline.days, 1)
    usual = max(by_weekday, on_average)  # who takes much once a month has a median of nothing
    unusual = _unusual_days(w, since=True)
    figures: dict[str, Json] = {
        "takes": takes, "expected": round(usual), "days": w.days_since, "unusual_days": len(unusual),
        "baseline_days": w.baseline.days,
    }  # fmt: skip
    viewed = w.tally.kinds[ActivityKind.VIEW_AS_DOWNLOAD]
    views = f"; {viewed:,} of them are views that the vendor may call downloads" if viewed else ""
    views_ja = f"、うち{viewed:,}件はベンダーがダウンロードと記録し得る閲覧" if viewed else ""
    if takes >= rules.volume and takes > rules.ratio * usual:
        times = f"{takes / usual:,.0f}" if usual >= 1 else "∞"
        than = f"{times} times" if usual >= 1 else "against"
        yield Reason(
            "volume",
            f"{takes:,} files were taken in the {w.days_since} days of the notice window, {than} the {round(usual):,} to be "
            f"expected from the person's own {w.baseline.days} days before it; {len(unusual)} days lay above the usual range{views}.",
            f"退職通知期間{w.days_since}日間の取得は{takes:,}件で、本人の通知前{w.baseline.days}日間から見込まれる{round(usual):,}件"
            + (f"の{times}倍です" if usual >= 1 else "を大きく上回ります")
            + f"（通常の範囲を超えた日：{len(unusual)}日{views_ja}）。",
            figures,
        )  # fmt: skip


def _days(w: Comparison) -> Iterator[Reason]:
    before = _unusual_days(w, since=False)
    for since in (True, False):
        days = _unusual_days(w, since=since)
        excess = _excess(w, days)
        if excess < w.rules.volume or (_is_habit(before) and not (since and w.rises(excess, _excess(w, before)))):
            continue
        peak = max(days, key=lambda day: days[day])
        usual = round(w.baseline.of(peak).median)
        en, ja = ("in", "期間中") if since else ("before", "開始前")
        yield Reason(
            "days" if since else "days_before",
            f"On {len(days)} days {en} the notice window more was taken than on the person's usual days, most on {peak}: "
            f"{days[peak]:,} files instead of about {usual:,}.",
            f"退職通知{ja}の{len(days)}日で通常の範囲を超えました。最多は{peak}の{days[peak]:,}件（通常は約{usual:,}件）です。",
            {"days": len(days), "peak_on": str(peak), "peak": days[peak], "usual": usual, "excess": round(excess)},
        )


def _excess(w: Comparison, days: Mapping[date, int]) -> float:
    return sum(number - w.baseline.of(day).median for day, number in days.items())


def _is_habit(before: Mapping[date, int]) -> bool:
    """Whether days like the fullest one came in three months or more: whoever closes the books does so every month."""
    full = [day for day, number in before.items() if 2 * number >= max(before.values())]
    return len({(day.year, day.month) for day in full}) >= _MONTHS_OF_A_HABIT


def _unusual_days(w: Comparison, *, since: bool) -> dict[date, int]:
    """Return the days above their weekday's limit, above any usual working day's, and above policy's floor."""
    floor = max(float(w.rules.day_floor), _limit_of_active_days(w))
    return {
        day: number
        for day, number in w.per_day(compared=True).items()
        if (day >= w.tally.notice_on) is since and number > max(floor, w.baseline.of(day).limit)
    }


def _limit_of_active_days(w: Comparison) -> float:
    values = [number for day, number in w.per_day(compared=True).items() if day < w.tally.notice_on]
    return expected(values, mads=w.rules.mads).limit if values else 0.0


def _marked(w: Comparison) -> Iterator[Reason]:
    return _more(
        w, "marked",
        "{since:,} of the files taken in the notice window are marked as confidential; in the {days} days before it were {before:,}.",
        "退職通知期間に取得したうち{since:,}件に秘密表示があります（通知前{days}日間は{before:,}件）。",
    )  # fmt: skip


def _shares(w: Comparison) -> Iterator[Reason]:
    return _more(
        w, "shares",
        "{since:,} shares to outsiders or with anybody who has the link were made in the notice window; {before:,} in the {days} "
        "days before it.",
        "退職通知期間に社外共有または公開リンクが{since:,}件作成されました（通知前{days}日間は{before:,}件）。",
    )  # fmt: skip


def _more(w: Comparison, word: str, text: str, text_ja: str) -> Iterator[Reason]:
    """Yield the reason *word* if there is more of it than policy's number, and than before."""
    since, before = getattr(w.tally.since, word), getattr(w.tally.before, word)
    if since >= getattr(w.rules, word) and w.rises(since, before):
        counts = {"since": since, "before": before, "days": w.baseline.days}
        yield Reason(word, text.format(**counts), text_ja.format(**counts), {word: since, "before": before})


def _burst(w: Comparison) -> Iterator[Reason]:
    since, before = w.tally.since, w.tally.before
    if since.most_at is not None and since.most_in_an_hour >= max(w.rules.burst, 2 * before.most_in_an_hour):
        hour = since.most_at.strftime("%Y-%m-%d %H:00")
        yield Reason(
            "burst",
            f"{since.most_in_an_hour:,} files were taken within one hour ({hour}); before the notice never more than "
            f"{before.most_in_an_hour:,}.",
            f"1時間に{since.most_in_an_hour:,}件を取得しました（{hour}）。通知前の最多は1時間{before.most_in_an_hour:,}件です。",
            {"burst": since.most_in_an_hour, "before": before.most_in_an_hour, "at": hour},
        )


def _off_hours(w: Comparison) -> Iterator[Reason]:
    since, before = w.tally.since, w.tally.before
    now, then = _share(since), _share(before)
    if since.off_hours >= w.rules.off_hours and now - then >= w.rules.off_share:
        begins, ends = w.tally.work_hours
        yield Reason(
            "off_hours",
            f"{now:.0%} of them ({since.off_hours:,}) at weekends or outside {begins}:00 to {ends}:00 in the person's own "
            f"time; before the notice it was {then:.0%}.",
            f"うち{now:.0%}（{since.off_hours:,}件）は休日または本人の現地時間{begins}時～{ends}時以外です（通知前は{then:.0%}）。",
            {"off_hours": since.off_hours, "share_percent": round(100 * now), "before_percent": round(100 * then)},
        )


def _share(half: Half) -> float:
    return half.off_hours / half.takes if half.takes else 0.0


def _folders(w: Comparison) -> Iterator[Reason]:
    widest = {True: (0, w.last_on), False: (0, w.last_on)}
    for day, folders in w.tally.folders_of_day.items():
        since = day >= w.tally.notice_on
        widest[since] = max(widest[since], (len(folders), day))
    (number, day), (before, _) = widest[True], widest[False]
    if number >= w.rules.folders and number > w.rules.ratio * before:
        yield Reason(
            "folders",
            f"On {day} they came from {number:,} different folders; on no day before the notice from more than {before:,}.",
            f"{day}には{number:,}個のフォルダーから取得しました（通知前の最多は1日{before:,}個）。",
            {"folders": number, "before": before, "on": str(day)},
        )


def _origins(w: Comparison) -> Iterator[Reason]:
    for word, en, ja in (("addresses", "addresses", "アドレス"), ("devices", "devices", "端末")):
        since, before = getattr(w.tally.since, word), getattr(w.tally.before, word)
        new = {name: number for name, number in since.items() if name not in before and number > 0}
        taken = sum(new.values())
        if before and taken >= w.rules.new_origin and w.rises(len(new), len(before)):
            yield Reason(
                f"new_{word}",
                f"{taken:,} of them went by way of {en} that had not been seen before the notice ({len(new):,} of them).",
                f"うち{taken:,}件は、通知前に見られなかった{ja}（{len(new):,}個）を経由しています。",
                {"takes": taken, "new": len(new), "known": len(before)},
            )


def _programs(w: Comparison) -> Iterator[Reason]:
    if w.tally.programs:
        yield Reason(
            "programs",
            f"{w.tally.programs:,} files were fetched by programs through the vendor's interface: this leaver cannot be declared "
            "clean, since what such a program reads is not always logged file by file.",
            f"プログラム（API）経由で{w.tally.programs:,}件が取得されています。ファイル単位で記録されない取得があり得るため、問題なしとは判断できません。",
            {"programs": w.tally.programs}, unclean=True,
        )  # fmt: skip
    known = {name for _, name in w.tally.before.applications}
    compared = {name for log, name in w.tally.since.applications if log not in w.baseline.missing}
    fresh = compared - known  # a log without days before the notice shows none that is new
    if w.tally.program_size >= _LARGE or (w.has_before and fresh):
        size = w.tally.program_size
        yield Reason(
            "applications",
            f"Applications worked with the leaver's tokens ({len(fresh):,} of them new since the notice, {size:,} bytes "
            "where the vendor counts them): this leaver cannot be declared clean, since what they read is not listed.",
            f"本人のトークンでアプリが動作しています（通知後に初出：{len(fresh):,}件、ベンダーが数えた範囲で{size:,}バイト）。取得内容は記録されないため、問題なしとは判断できません。",
            {"new_applications": len(fresh), "bytes": size}, unclean=True,
        )  # fmt: skip


def _takeout(w: Comparison) -> Iterator[Reason]:
    if w.tally.takeouts:
        yield Reason(
            "takeout",
            f"Whole exports of the account were made or asked for ({w.tally.takeouts:,} records): this leaver cannot be declared "
            "clean, since the vendor does not list what they held.",
            f"アカウントの一括エクスポートの記録が{w.tally.takeouts:,}件あります。内容の一覧は残らないため、問題なしとは判断できません。",
            {"takeouts": w.tally.takeouts}, unclean=True,
        )  # fmt: skip


def _uncompared(w: Comparison) -> Iterator[Reason]:
    """Say what was taken from logs that reach too little back to say what is usual there."""
    taken = {
        log: sum(number for day, number in w.tally.days[log].items() if day >= w.tally.notice_on)
        for log in w.baseline.missing
        if log in w.tally.days
    }
    if takes := sum(taken.values()):
        half, named = w.tally.since, [log for log, number in taken.items() if number]
        logs = ", ".join(named)
        yield Reason(
            "no_baseline",
            f"{takes:,} files were taken in the notice window by logs that reach too little back to say whether that is usual "
            f"({logs}); of all that was taken {half.marked:,} are marked as confidential, and {half.off_hours:,} were taken "
            "outside work hours.",
            f"通知前の記録が短く通常かどうか判断できないログ（{logs}）で、退職通知期間に{takes:,}件の取得があります。"
            f"全取得のうち秘密表示は{half.marked:,}件、勤務時間外は{half.off_hours:,}件です。",
            {"takes": takes, "marked": half.marked, "off_hours": half.off_hours, "logs": list(named)},
            unclean=True,
        )


_LOOKS: tuple[Callable[[Comparison], Iterator[Reason]], ...] = (
    _volume, _takeout, _programs, _marked, _off_hours, _burst, _folders, _shares, _origins, _days,
)  # fmt: skip
