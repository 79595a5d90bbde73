"""The columns of a notice, their headers in HR's files, and the parsing of a cell's text to a value, or a `Flaw`."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Self

import jaconv

from casework.intake.notice import Flaw
from casework.messages import BilingualText, message
from models.vocabulary import DepartureKind


class Column(StrEnum):
    """The columns of a notice by the name of CSV headers, JSON keys and the command's options; *said* also has the Japanese header."""

    said: BilingualText

    EMPLOYEE_NO = "employee_no", "社員番号"
    NAME = "name", "氏名"
    KANA = "kana", "フリガナ"
    ROMAJI = "romaji", "ローマ字"
    FORMER_NAME = "former_name", "旧姓"
    EMAIL = "email", "メールアドレス"
    OTHER_EMAILS = "other_emails", "その他メール"
    LAST_WORKING_AT = "last_working_at", "最終出社日"
    EMPLOYMENT_ENDS_ON = "employment_ends_on", "退職日"
    KIND = "kind", "区分"
    MANAGER = "manager", "上長"
    TIMEZONE = "timezone", "タイムゾーン"

    def __new__(cls, name: str, japanese: str) -> Self:
        column = str.__new__(cls, name)
        column._value_, column.said = name, BilingualText(name, japanese)
        return column


REQUIRED = (Column.EMPLOYEE_NO, Column.NAME, Column.EMPLOYMENT_ENDS_ON)
"""Without one of these headers a whole file is refused; for the kind see `casework.intake.kinds`."""

KINDS = {
    DepartureKind.RESIGNATION: "自己都合",
    DepartureKind.DISMISSAL: "解雇",
    DepartureKind.CONTRACT_END: "契約満了",
    DepartureKind.SECONDMENT_END: "出向終了",
    DepartureKind.LEAVE: "休職",
    DepartureKind.WITHDRAWN: "退職撤回",
    DepartureKind.CONTINUED: "継続雇用",
}
_CONTINUED = ("定年再雇用", "正社員登用", "契約→正社員", "転籍", "在籍出向")
"""HR's words for an employment that goes on under another contract or employer."""
_LONGEST_TEXT, _LONGEST_NUMBER, _MOST_EMAILS = 200, 64, 20
_LONGEST_EMAIL = 254  # RFC 5321's path, without brackets
_LONGEST_WORD = 40  # of a kind, with its spaces
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, line breaks excepted
    "\u202a-\u202e\u2066-\u2069"  # marks of direction, which show another name than the one written
    "\ud800-\udfff\ue000-\uf8ff\ufffd-\uffff\U000f0000-\U0010ffff]"  # lone surrogates, private use (外字), damage
)
_NUMBER = re.compile(r"\w[\w./-]*")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\.]+(?:\.[^\s@<>,;:\"()\[\]\\.]+)*")


def fold(header: str) -> str:
    """Fold width, case, kana, spaces, quotes, hyphens and underscores, so that `Employee No` is `employee_no`."""
    text = jaconv.hira2kata(unicodedata.normalize("NFKC", header)).casefold()
    return "".join(c for c in text if not c.isspace() and c not in "_-\"'\ufeff")


BY_NAME = {column.value: column for column in Column}
_BY_WORD = {fold(word): kind for kind, japanese in KINDS.items() for word in (kind.value, japanese)} | {
    fold(word): DepartureKind.CONTINUED for word in _CONTINUED
}
_BY_HEADER = {fold(name): column for column in Column for name in column.said}


def column_of(header: str) -> Column | None:
    """Return the column that *header* names, in either language; None for an unknown column."""
    return _BY_HEADER.get(fold(header))


def parse_text(text: str) -> str:
    """Return *text* as written, except that spaces and line breaks of any width become one space."""
    _limit(text, _LONGEST_TEXT)
    if found := _UNREADABLE.search(text):
        raise Flaw("bad_character", position=found.start() + 1)
    return " ".join(text.split())


def parse_employee_no(text: str) -> str:
    """Return the number with widths and dashes folded.  Leading zeros and case are kept: two people may differ in them."""
    _limit(text, _LONGEST_NUMBER)
    number = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
    if not _NUMBER.fullmatch(number):
        raise Flaw("bad_employee_no")
    return number


def parse_email(text: str) -> str:
    """Return one address with widths folded; whether it exists is not checked."""
    address = unicodedata.normalize("NFKC", text).strip()
    _limit(address, _LONGEST_EMAIL)
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise Flaw("bad_email")
    return address


def parse_emails(text: str) -> tuple[str, ...]:
    """Return the addresses in *text*, separated by semicolons, commas or spaces of either width, each once."""
    _limit(text, _LONGEST_EMAIL * _MOST_EMAILS)
    parts = [part for part in re.split(r"[;\s,、]+", unicodedata.normalize("NFKC", text)) if part]
    if len(parts) > _MOST_EMAILS:
        raise Flaw("too_many", limit=_MOST_EMAILS, things=message("addresses"))
    return tuple(dict.fromkeys(parse_email(part) for part in parts))


def parse_kind(text: str) -> DepartureKind:
    """Return the kind that *text* names in either language."""
    _limit(text, _LONGEST_TEXT)
    kind = _BY_WORD.get(fold(text))
    if kind is None:
        raise Flaw("unknown_kind", kinds=tuple(BilingualText(*names) for names in KINDS.items()))
    return kind


def is_kind(text: str) -> bool:
    """Whether *text* is the name of a kind of notice."""
    return len(text) <= _LONGEST_WORD and fold(text) in _BY_WORD


def _limit(text: str, longest: int) -> None:
    if len(text) > longest:
        raise Flaw("too_long", limit=longest)
