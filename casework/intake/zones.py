"""
Time zones, and the instants that local dates and times mean in them.

One rule for local times that clocks skip or show twice, RFC 5545's (3.3.5): a skipped time is read with the offset
before the jump (02:30 becomes 03:30), a repeated one is the first of the two: access is never open for longer than
HR's words say.  An explicit offset leaves nothing to rule.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from casework.intake.wording import Code, Flaw

DEFAULT_ZONE = "Asia/Tokyo"
_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})  # a machine's own affairs, not the person's


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - _NOT_PLACES}


def zone_name(text: str) -> str:
    """Return the IANA name that *text* spells in any case and width; raises `Flaw`.  Abbreviations such as JST are not names."""
    name = _names().get(unicodedata.normalize("NFKC", text).strip().casefold())
    if name is None:
        raise Flaw(Code.UNKNOWN_TIMEZONE, default=DEFAULT_ZONE)
    return name


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a naive *local* time, by the rule above."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the end of *day*: 00:00 of the next one, which is not always 24 hours after the day's beginning."""
    return to_utc(datetime.combine(day + timedelta(days=1), time()), zone)
