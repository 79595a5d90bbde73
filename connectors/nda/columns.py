"""The columns and words, English and Japanese, in which people write down what they know of a paper."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from models.vocabulary import PaperKind

_KINDS: Mapping[str, PaperKind] = {
    "入社時誓約書": PaperKind.ENTRY_PLEDGE,
    "入社誓約書": PaperKind.ENTRY_PLEDGE,
    "退職時誓約書": PaperKind.EXIT_PLEDGE,
    "退職誓約書": PaperKind.EXIT_PLEDGE,
    "就業規則": PaperKind.WORK_RULES,
    "秘密保持契約": PaperKind.PROJECT_NDA,
    "秘密保持契約書": PaperKind.PROJECT_NDA,
    "プロジェクト秘密保持契約": PaperKind.PROJECT_NDA,
    **{kind.value: kind for kind in PaperKind},
}
_YES_OR_NO: Mapping[str, bool] = {
    **dict.fromkeys(("yes", "true", "1", "y", "はい", "有", "あり", "有効", "○", "〇"), True),
    **dict.fromkeys(("no", "false", "0", "n", "いいえ", "無", "なし", "無効", "×"), False),
}
_LANGUAGES: Mapping[str, str] = {"日本語": "ja", "japanese": "ja", "英語": "en", "english": "en"}
SIGNED = frozenset({"signed", "completed", "filed", "in_force", "署名済", "署名済み", "締結済", "締結済み", "施行中"})
VOID = frozenset({"voided", "void", "cancelled", "取消", "無効", "取下げ"})
REFUSED = frozenset({"refused", "declined", "rejected", "拒否", "却下", "署名拒否"})
_ERAS: Mapping[str, int] = {"令和": 2018, "平成": 1988, "昭和": 1925, "r": 2018, "h": 1988, "s": 1925}
_DAY = re.compile(
    r"(?P<era>令和|平成|昭和|[rhs])?(?P<y>元|[0-9]{1,4})(?:年|(?P<mark>[-/.]))(?P<m>[0-9]{1,2})(?:月|(?P=mark))(?P<d>[0-9]{1,2})日?"
)


def fold(text: str) -> str:
    """Fold a cell for comparing: width, case, outer space."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def read_day(text: str) -> date:
    """Return a day: 2026-04-01, 2026/4/1, 2026年4月1日 or of an era (令和8年4月1日); raises `ValueError`."""
    found = _DAY.fullmatch(re.sub(r"\s", "", fold(text)))
    if found is None or (found["era"] is None and len(found["y"]) != 4):
        raise ValueError("not a day")
    year = 1 if found["y"] == "元" else int(found["y"])
    return date(year + _ERAS.get(found["era"] or "", 0), int(found["m"]), int(found["d"]))


def read_sha256(text: str) -> str:
    """Return a SHA-256 in hexadecimal; raises `ValueError`."""
    digest = fold(text).removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise ValueError("not a SHA-256 in hexadecimal")
    return digest


COLUMNS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "id": ("文書番号", str),
    "file": ("ファイル", str),
    "kind": ("種別", lambda cell: _KINDS[fold(cell)]),
    "title": ("件名", str),
    "signer_name": ("署名者氏名", str),
    "signer_email": ("署名者メールアドレス", str),
    "signer_employee_no": ("社員番号", str),
    "signed_on": ("署名日", read_day),
    "declined_on": ("拒否日", read_day),
    "template": ("書式", str),
    "template_sha256": ("書式のハッシュ値", read_sha256),
    "sha256": ("ハッシュ値", read_sha256),
    "survives": ("退職後有効", lambda cell: _YES_OR_NO[fold(cell)]),
    "expires_on": ("有効期限", read_day),
    "scope": ("対象範囲", str),
    "language": ("言語", lambda cell: _LANGUAGES.get(fold(cell), fold(cell))),
    "status": ("状態", str),
}
"""By each column's English name: the Japanese one, and how a cell is read (`KeyError`, `ValueError`: it cannot be)."""
_BY_HEADER = {name: name for name in COLUMNS} | {ja: name for name, (ja, _) in COLUMNS.items()}


def column(header: str) -> str | None:
    """Return the column that *header* names, None for an unknown one."""
    return _BY_HEADER.get(fold(header).replace(" ", "_"))


def read_cells(row: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return what the known columns of *row* say, and the names of those that cannot be read."""
    known: dict[str, Any] = {}
    unread = []
    for name in COLUMNS.keys() & {name for name, cell in row.items() if cell}:
        try:
            known[name] = COLUMNS[name][1](row[name])
        except (KeyError, ValueError):
            unread.append(name)
    return known, sorted(unread)
