"""
What is counted while the records stream by.  Memory is bounded by days, hours and the caps below, not by events.

Counts are exact; the sets behind "how many different" are capped and say when they were full.

What says of itself that it is confidential is counted apart.  A mark is a word that stands for itself: 「秘」 alone, in brackets or
at an end counts, 秘書 (a secretary) and 秘密保持契約 (an agreement that anybody may hold) do not.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from casework.policy import Activity as Rules
from connectors.activity import Activity
from models.vocabulary import TAKES, ActivityKind

_FOLDERS = 20_000
_FOLDERS_A_DAY = 2_000
_ORIGINS = 2_000
_MOST_EXITS = 500
_PLAIN = ("極秘", "社外秘", "部外秘", "取扱注意", "マル秘", "丸秘", "厳秘", "関係者外秘", "関係者限り", "秘匿", "持出禁止", "持ち出し禁止", "営業秘密")  # fmt: skip
_ENGLISH = (
    "strictly confidential", "highly confidential", "company confidential", "confidential", "top secret", "trade secret",
    "internal use only", "internal only", "do not distribute", "proprietary",
)  # fmt: skip
_AGREEMENTS = re.compile(
    r"(?:秘密保持|機密保持|守秘義務)(?:契約|誓約|条項|義務|規程|規定|覚書|同意|確認)*(?:書|証)?"
    r"|non[\W_]?disclosure|confidentiality[\W_](?:agreement|clause|pledge|notice)"
    r"|non[\W_]?confidential|not[\W_]confidential|機密性[0-9]?なし"
)
_ALONE = re.compile(r"(?<![぀-ヿ一-鿿])秘(?![぀-ヿ一-鿿])")
_SECRETS = re.compile(r"機密(?!保持|性1|なし)")

SHARES = frozenset({ActivityKind.EXTERNAL_SHARE, ActivityKind.PUBLIC_LINK})
EXITS = SHARES | {
    ActivityKind.FORWARD,
    ActivityKind.DELEGATE,
    ActivityKind.GRANT,
    ActivityKind.APP_PASSWORD,
    ActivityKind.DEVICE,
    ActivityKind.TAKEOUT,
}
"""What a leaver may make to come in, or to get at content, after having left."""


@dataclass(frozen=True, slots=True, order=True)
class Exit:
    """One way out made by the leaver.  *target* is personal, and may be confidential."""

    at: datetime
    kind: ActivityKind
    connection: str
    target: str = ""


@dataclass(slots=True)
class Half:
    """
    The same counts before the notice and since then.

    *hours*: takes in each; *folders* by day, by their hashes; *applications* with the log that tells of each.
    """

    kinds: Counter[ActivityKind] = field(default_factory=Counter)
    off_hours: int = 0
    marked: int = 0
    hours: Counter[datetime] = field(default_factory=Counter)
    folders: dict[date, set[int]] = field(default_factory=lambda: defaultdict(set))
    addresses: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    applications: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kinds: Iterable[ActivityKind]) -> int:
        return sum(self.kinds[kind] for kind in kinds)


@dataclass(slots=True)
class Tally:
    """
    All of one leaver's activity.  *zone* is the person's, *notice_on* the first day of the notice window there, *ends_on* its last.

    *days*: takes per source and local day.  *programs*: takes through an API client, not counting sync clients;
    *program_size*: bytes that applications fetched with a token.
    """

    zone: ZoneInfo
    notice_on: date
    ends_on: date
    rules: Rules
    days: dict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    folders: Counter[str] = field(default_factory=Counter)
    before: Half = field(default_factory=Half)
    since: Half = field(default_factory=Half)
    programs: int = 0
    program_size: int = 0
    exits: list[Exit] = field(default_factory=list)
    full: set[str] = field(default_factory=set)

    def add(self, source: str, connection: str, activities: Iterable[Activity]) -> None:
        """Count what one record of *source* tells."""
        for activity in activities:
            local = activity.at.astimezone(self.zone)
            half = self.since if local.date() >= self.notice_on else self.before
            half.kinds[activity.kind] += 1
            for seen, name in ((half.addresses, activity.ip), (half.devices, activity.device)):
                self._count(seen, name, _ORIGINS, "addresses and devices", weight=activity.kind in TAKES)
            if activity.kind in TAKES:
                self._taken(source, local, half, activity)
            if activity.kind in EXITS and half is self.since:
                made = Exit(activity.at, activity.kind, connection, activity.target or activity.title or "")
                heapq.heappush(self.exits, made)
                if len(self.exits) > _MOST_EXITS:
                    heapq.heappop(self.exits)  # those nearest the end are kept
            self._program(source, half, activity)

    def _taken(self, source: str, local: datetime, half: Half, activity: Activity) -> None:
        day, (begins, ends) = local.date(), self.rules.work_hours
        self.days[source][day] += 1
        half.hours[local.replace(minute=0, second=0, microsecond=0)] += 1
        half.off_hours += local.weekday() >= 5 or not begins <= local.hour < ends
        half.marked += is_marked((activity.label, activity.title), self.rules.marks)
        if activity.folder is not None and len(half.folders[day]) < _FOLDERS_A_DAY:
            half.folders[day].add(hash(activity.folder))
        if half is self.since:
            self._count(self.folders, activity.folder, _FOLDERS, "folders")

    def _count(self, seen: Counter[str], name: str | None, most: int, what: str, *, weight: int = 1) -> None:
        if name is None:
            return
        if name in seen or len(seen) < most:
            seen[name] += weight
        else:
            self.full.add(what)

    def _program(self, source: str, half: Half, activity: Activity) -> None:
        if activity.kind is ActivityKind.TOKEN_USE:
            self.program_size += activity.size or 0
            if activity.target is not None and len(half.applications) < _ORIGINS:
                half.applications.add((source, activity.target))
        elif activity.by_program and activity.kind in TAKES and activity.kind is not ActivityKind.SYNC:
            self.programs += 1


@lru_cache(maxsize=8)
def _pattern(own: tuple[str, ...]) -> re.Pattern[str]:
    plain = "|".join(re.escape(_fold(word)) for word in (*_PLAIN, *own) if word.strip())
    english = "|".join(word.replace(" ", r"[\s_-]*") for word in _ENGLISH)
    return re.compile(rf"{plain}|(?<![a-z])(?:{english})(?![a-z])|{_SECRETS.pattern}|{_ALONE.pattern}")


def is_marked(texts: Iterable[str | None], own: tuple[str, ...] = ()) -> bool:
    """Whether one of *texts* is, or holds, a mark.  *own* are the company's own words."""
    return any(text is not None and _marks(text, own) for text in texts)


@lru_cache(maxsize=20_000)
def _marks(text: str, own: tuple[str, ...]) -> bool:
    return _pattern(own).search(_AGREEMENTS.sub(" ", _fold(text))) is not None


def _fold(text: str) -> str:
    """NFKC turns ㊙ into 秘 without brackets: it counts as one that stands alone."""
    return unicodedata.normalize("NFKC", text.replace("㊙", " マル秘 ")).casefold()
