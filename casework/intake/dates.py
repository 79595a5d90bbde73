"""
Parse days and instants as Japanese HR departments write them, year first, of four digits or of an era.  Nothing is guessed:
other forms are refused.

Local times that clocks skip or show twice follow RFC 5545 (3.3.5): a skipped time is read with the offset before the
jump (02:30 becomes 03:30), a repeated one is the first of the two, so that access is never open for longer than HR
wrote.  A time with an offset needs no rule.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from casework.intake.notice import Flaw

DEFAULT_ZONE = "Asia/Tokyo"
_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})  # settings of a machine, not of a person
_LONGEST = 64
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
FIRST_YEAR_OF_ENTRY = 1950
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー", "-"))
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
_DAYS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<y>[0-9]{4})(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})",
        r"(?P<y>[0-9]{4})年(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})日",
        r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
        r"(?P<e>令和|平成|昭和|[RHS])(?P<y>元|[0-9]{1,2})(?P<s>[-/.])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})",
        r"(?P<e>令和|平成|昭和|[RHS])(?P<y>元|[0-9]{1,2})年(?P<m>[0-9]{1,2})月(?P<d>[0-9]{1,2})日",
    )
)
_INSTANT = re.compile(
    r"(?P<day>\S.*?)(?:\s*T\s*|\s+|(?<=日))"
    r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?|時(?:(?P<fun>[0-9]{1,2})分)?)"
    r"\s*(?P<zone>\S.*)?"
)
_OFFSET = re.compile(r"Z|UTC|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2}))?")
_ERAS = {
    "令和": (date(2019, 5, 1), date.max),
    "平成": (date(1989, 1, 8), date(2019, 4, 30)),
    "昭和": (date(1926, 12, 25), date(1989, 1, 7)),
}
_LETTERS = {"R": "令和", "H": "平成", "S": "昭和"}


def parse_day(text: str, *, first_year: int = _FIRST_YEAR) -> date:
    """Return the day of *text* in the Gregorian calendar, not before *first_year*; raises `Flaw`."""
    plain = re.sub(r"\s+", "", _fold(text))
    if _SERIAL.fullmatch(plain):
        raise Flaw("excel_serial")
    for pattern in _DAYS:
        if found := pattern.fullmatch(plain):
            return _day(found.groupdict(), first_year)
    raise Flaw("bad_date")


def parse_instant(text: str, zone: ZoneInfo) -> datetime:
    """
    Return the instant, UTC, of *text* in *zone*, or in the zone or at the offset that *text* names itself.

    A date alone means its end.  24:00 is the end of the day too.  Fractions of a second are dropped.  Raises `Flaw`.
    """
    plain = _fold(text)
    found = _INSTANT.fullmatch(plain)
    if found is None:
        return end_of_day(_day_before_anything(plain), zone)
    local = datetime.combine(parse_day(found["day"]), time()) + _since_midnight(found)
    return _in_zone(local, found["zone"]) if found["zone"] else to_utc(local, zone)


def _fold(text: str) -> str:
    if len(text) > _LONGEST:
        raise Flaw("too_long", limit=_LONGEST)
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip().upper()


def _day_before_anything(plain: str) -> date:
    """Return the day of *plain*; raises `Flaw`: `bad_time` for a right date before something that is not a time."""
    try:
        return parse_day(plain)
    except Flaw as flaw:
        head = re.split(r"[\sT]", plain, maxsplit=1)[0]
        if flaw.code == "bad_date" and head != plain and any(p.fullmatch(head) for p in _DAYS):
            raise Flaw("bad_time") from flaw
        raise


def _day(parts: dict[str, str | None], first_year: int) -> date:
    era, year = parts.get("e"), parts["y"] or ""
    number = 1 if year == "元" else int(year)
    begin, end = _ERAS[_LETTERS.get(era, era)] if era else (date.min, date.max)
    try:
        day = date(number + (begin.year - 1 if era else 0), int(parts["m"] or ""), int(parts["d"] or ""))
    except ValueError as error:
        raise Flaw("no_such_date") from error
    if number == 0 or not begin <= day <= end:
        raise Flaw("no_such_date")
    if not first_year <= day.year <= _LAST_YEAR:
        raise Flaw("out_of_range", first=first_year, last=_LAST_YEAR)
    return day


def _since_midnight(found: re.Match[str]) -> timedelta:
    hour, minute, second = (int(n or 0) for n in (found["hour"], found["minute"] or found["fun"], found["second"]))
    midnight = (hour, minute, second) == (24, 0, 0)
    if not midnight and (hour > 23 or minute > 59 or second > 59):
        raise Flaw("bad_time")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _in_zone(local: datetime, text: str) -> datetime:
    """Return the instant of *local* in the zone, or at the offset, of *text*, which followed it."""
    if found := _OFFSET.fullmatch(text):
        size = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
        if size > timedelta(hours=14) or int(found["minutes"] or 0) > 59:
            raise Flaw("bad_time")
        return local.replace(tzinfo=timezone(-size if found["sign"] == "-" else size)).astimezone(UTC)
    try:
        return to_utc(local, ZoneInfo(zone_name(text)))
    except Flaw as flaw:
        raise Flaw("bad_time") from flaw


@cache
def _names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - _NOT_PLACES}


def zone_name(text: str) -> str:
    """Return the IANA name of *text*, which may have any case and width; raises `Flaw`, also for abbreviations such as JST."""
    name = _names().get(unicodedata.normalize("NFKC", text).strip().casefold())
    if name is None:
        raise Flaw("unknown_timezone", default=DEFAULT_ZONE)
    return name


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a naive *local* time, by the rule of this module."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the end of *day*: 00:00 of the next one, which is not always 24 hours after the day's beginning."""
    return to_utc(datetime.combine(day + timedelta(days=1), time()), zone)
