"""
Decode bytes to text, always the same way, or refuse them: a garbled name would open a case for nobody.

UTF-8 is tried first and strictly, then CP932 (what Japanese spreadsheets call CSV).  Western and EUC-JP files sometimes
decode as CP932, so a text counts as CP932 only if it has everyday Japanese characters, and no sign of a garbled Latin
word.
"""

from __future__ import annotations

import codecs
import re

from casework.intake.notice import Flaw

MOST_BYTES = 5 * 1024 * 1024
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_IN_A_WORD = re.compile("[A-Za-z][\u4e00-\u9fff\uff66-\uff9f]{1,3}[a-z]")  # Garc畛 for García, O達rien for O’Brien
_COMMON = re.compile("[\u3000-\u30ff\uff01-\uff60\u4e00-\u9fff]")


def decode_csv(raw: bytes) -> str:
    """Return the text of a CSV file, without its byte order mark; raises `Flaw`."""
    try:
        return decode_json(raw)
    except Flaw as flaw:
        if flaw.code != "unreadable_encoding" or raw.startswith(codecs.BOM_UTF8):
            raise
    return _decode_cp932(raw)


def decode_json(raw: bytes) -> str:
    """
    Return the text of a JSON file, which is UTF-8 by its standard (RFC 8259, 8.1); raises `Flaw`.

    Offsets are the file's, unlike those of the codec `utf-8-sig`.
    """
    _look_at_bytes(raw)
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Flaw("unreadable_encoding", encodings=("UTF-8",), offset=error.start) from error


def _look_at_bytes(raw: bytes) -> None:
    if len(raw) > MOST_BYTES:
        raise Flaw("too_large", limit=MOST_BYTES)
    if not raw.removeprefix(codecs.BOM_UTF8).strip():
        raise Flaw("empty_file")
    if raw.startswith(_WIDE):
        raise Flaw("utf16")
    if (offset := raw.find(b"\0")) >= 0:
        raise Flaw("nul_byte", offset=offset)


def _decode_cp932(raw: bytes) -> str:
    try:
        text = raw.decode("cp932")
    except UnicodeDecodeError as error:
        raise Flaw("unreadable_encoding", encodings=("UTF-8", "CP932"), offset=error.start) from error
    first = next(n for n, byte in enumerate(raw) if byte > 0x7F)
    if _IN_A_WORD.search(text) or not _has_everyday_japanese(text):
        raise Flaw("doubtful_encoding", offset=first)
    return text


def _has_everyday_japanese(text: str) -> bool:
    """Whether *text* has kana or everyday kanji: their bytes 0x81 to 0x9F are letters neither in EUC-JP nor in Western text."""
    return any(0x81 <= c[0].encode("cp932")[0] <= 0x9F for c in _COMMON.finditer(text))
