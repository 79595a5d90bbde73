"""One cell's text becomes one value, or a `Flaw`."""

from __future__ import annotations

import re
import unicodedata

from casework.intake.refusals import Flaw
from casework.messages import Said, message
from models.vocabulary import DepartureKind

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
"""HR's own words for an employment that goes on under another contract or employer."""
_BY_WORD = (
    {kind.value.replace("_", ""): kind for kind in KINDS}
    | {word: kind for kind, word in KINDS.items()}
    | dict.fromkeys(_CONTINUED, DepartureKind.CONTINUED)
)
_LONGEST_TEXT, _LONGEST_NUMBER, _MOST_EMAILS = 200, 64, 20
_LONGEST_EMAIL = 254  # RFC 5321's path, without brackets
_LONGEST_WORD = 40  # of a kind, with whatever spaces stand in it
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, line breaks excepted
    "\u202a-\u202e\u2066-\u2069"  # marks that turn the direction, and so show another name than the one written
    "\ud800-\udfff\ue000-\uf8ff\ufffd-\uffff\U000f0000-\U0010ffff]"  # halves, private use (外字), damage
)
_NUMBER = re.compile(r"\w[\w./-]*")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\.]+(?:\.[^\s@<>,;:\"()\[\]\\.]+)*")


def parse_text(text: str) -> str:
    """Return *text* as written, except that spaces and line breaks of any width become one space."""
    _limit(text, _LONGEST_TEXT)
    if found := _UNREADABLE.search(text):
        raise Flaw("bad_character", position=found.start() + 1)
    return " ".join(text.split())


def parse_employee_no(text: str) -> str:
    """Return the number with widths and dashes folded.  Leading zeros and case stay: they may tell people apart."""
    _limit(text, _LONGEST_NUMBER)
    number = unicodedata.normalize("NFKC", text).translate(_DASHES).strip()
    if not _NUMBER.fullmatch(number):
        raise Flaw("bad_employee_no")
    return number


def parse_email(text: str) -> str:
    """Return one address with widths folded; whether it exists is for the directories to say."""
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
    kind = _BY_WORD.get(_fold(text))
    if kind is None:
        raise Flaw("unknown_kind", kinds=tuple(Said(*names) for names in KINDS.items()))
    return kind


def is_kind(text: str) -> bool:
    """Whether *text* names a kind of notice, and nothing else."""
    return 0 < len(text) <= _LONGEST_WORD and _fold(text) in _BY_WORD


def _fold(text: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _limit(text: str, longest: int) -> None:
    if len(text) > longest:
        raise Flaw("too_long", limit=longest)
