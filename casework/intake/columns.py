"""The columns of a notice, and their names in the files that HR sends."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

import jaconv


class Column(StrEnum):
    """What a notice may say, by the name that CSV headers, JSON keys and the command's options share."""

    EMPLOYEE_NO = "employee_no"
    NAME = "name"
    KANA = "kana"
    ROMAJI = "romaji"
    FORMER_NAME = "former_name"
    EMAIL = "email"
    OTHER_EMAILS = "other_emails"
    LAST_WORKING_AT = "last_working_at"
    EMPLOYMENT_ENDS_ON = "employment_ends_on"
    KIND = "kind"
    MANAGER = "manager"
    TIMEZONE = "timezone"


JAPANESE = {
    Column.EMPLOYEE_NO: "社員番号",
    Column.NAME: "氏名",
    Column.KANA: "フリガナ",
    Column.ROMAJI: "ローマ字",
    Column.FORMER_NAME: "旧姓",
    Column.EMAIL: "メールアドレス",
    Column.OTHER_EMAILS: "その他メール",
    Column.LAST_WORKING_AT: "最終出社日",
    Column.EMPLOYMENT_ENDS_ON: "退職日",
    Column.KIND: "区分",
    Column.MANAGER: "上長",
    Column.TIMEZONE: "タイムゾーン",
}

REQUIRED = (Column.EMPLOYEE_NO, Column.NAME, Column.EMPLOYMENT_ENDS_ON)
"""Without these headers a file is refused whole, and without a word on the kind; see `casework.intake.kinds`."""


def fold_header(header: str) -> str:
    """Fold width, case, kana, spaces, quotes, hyphens and underscores, so that `Employee No` is `employee_no`."""
    text = jaconv.hira2kata(unicodedata.normalize("NFKC", header)).casefold()
    return "".join(c for c in text if not c.isspace() and c not in "_-\"'\ufeff")


BY_NAME = {column.value: column for column in Column}
_BY_HEADER = {fold_header(column.value): column for column in Column} | {
    fold_header(text): column for column, text in JAPANESE.items()
}


def column_of(header: str) -> Column | None:
    """Return the column that *header* names, in either language; None for a column that we do not know."""
    return _BY_HEADER.get(fold_header(header))
