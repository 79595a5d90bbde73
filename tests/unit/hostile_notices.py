"""What the world sends as a CSV or JSON file: bytes without sense, tables with traps, trees with traps."""

from __future__ import annotations

import csv
import io
import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from casework.intake.columns import Column

GOOD = {
    Column.EMPLOYEE_NO: ("E1001", "Ｅ１００２　", "X-7", "001001"),
    Column.NAME: ("田中 美咲", "Seán O'Brien", "髙﨑　德子", "=HYPERLINK(1)", "김민준"),
    Column.KANA: ("タナカ ミサキ", "ﾀﾅｶ ﾐｻｷ", ""),
    Column.ROMAJI: ("Tanaka Misaki", ""),
    Column.FORMER_NAME: ("渡辺", ""),
    Column.EMAIL: ("misaki@hoshizora.example", "ｍ＠hoshizora.example", ""),
    Column.OTHER_EMAILS: ("a@mail.example; b@mail.example", "a@mail.example、b@mail.example", ""),
    Column.LAST_WORKING_AT: (
        "2026-11-20",
        "2026/11/20 18:00",
        "令和8年11月20日 18時30分",
        "2026-11-20T18:00:00+09:00",
        "",
    ),
    Column.EMPLOYMENT_ENDS_ON: (
        "2026-11-30",
        "2026/11/30",
        "２０２６年１１月３０日",
        "令和8年11月30日",
        "R8.11.30",
        "2026-12-31",
    ),
    Column.KIND: ("resignation", "自己都合", "解雇", "contract_end", "出向終了", "休職", "withdrawn", "転籍"),
    Column.MANAGER: ("小林 誠", ""),
    Column.TIMEZONE: ("Asia/Tokyo", "europe/berlin", ""),
}

TRAPS = (
    "", " ", "　", "\n", "\r", "\t", '"', "'", ",", ";", "=1+1", "@SUM(A1)", "-2+3", "+cmd", "46000", "46000.5", "1E+05",
    "2026-02-30", "2026-13-01", "0000-00-00", "9999-12-31", "10000-01-01", "令和0年1月1日", "平成31年5月1日", "昭和64年1月8日",
    "11/30/2026", "26/11/30", "2026-11-30 25:00", "2026-11-30 24:00", "2026-11-30T", "2026-11-30 18:00 JST",
    "2026-11-30 18:00+99:00", "2026-03-29 02:30 Europe/Berlin", "a@b@c", "@", "a@", "Tanaka <t@x.example>", "../../etc/passwd",
    "Asia", "Etc/GMT+12", "\x1b[31m", "\u202etanaka", "\ufeff", "\ufffd", "\ue000", "\u200b", "ﷺ" * 3, "x" * 300, "NaN",
    "null", "退職", "Ⅷ", "①", "ß", "İ", "𠮷野", "邉󠄀", "👩‍💻", "%s%n", "{0}", "{row}", "$(id)", "'; drop table cases; --",
)  # fmt: skip

_text = st.text(max_size=12)
_bad_cell = st.sampled_from(TRAPS) | _text
_any_headers = st.lists(
    st.sampled_from(
        [*Column, *(column.said.ja for column in Column), "備考", "備考", "", " ", "Employee No", "ﾌﾘｶﾞﾅ", "\ufeffname"]
    ),
    max_size=16,
)
_ORDERS = tuple(tuple(Random(seed).sample(list(Column), len(Column))) for seed in range(20))


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Draw good rows in some order, then spoil a few cells, now and then the header line or a row's length."""
    order = draw(st.sampled_from(_ORDERS))
    japanese = draw(st.booleans())
    names = {column: column.said.ja if japanese else column.value for column in Column}
    rows = [[names[c] for c in order]]
    for _ in range(draw(st.integers(0, 4))):
        pick = Random(draw(st.integers(0, 2**32)))
        rows.append([pick.choice(GOOD[c]) for c in order])
        for at in draw(st.lists(st.integers(0, len(order) - 1), max_size=2)):
            rows[-1][at] = draw(_bad_cell)
    match draw(st.integers(0, 9)):
        case 0:
            rows[0] = draw(_any_headers)
        case 1:
            rows[-1].append(draw(_text))
        case 2:
            del rows[-1][-1:]
        case 4:
            rows[0].append("異動区分")
            rows[1:] = [[*row, draw(st.sampled_from(("休職", "発令", "")))] for row in rows[1:]]
        case 3:
            rows[0].append(draw(st.sampled_from(("備考", "", "name", "メモ\n二行"))))
            rows[1:] = [[*row, draw(_bad_cell)] for row in rows[1:]]
        case _:
            pass
    return rows


@st.composite
def csv_files(draw: st.DrawFn) -> bytes:
    """Draw a table as a file in some encoding and dialect, and damage every fourth."""
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from(",,,,,,;\t|")),
        lineterminator=draw(st.sampled_from(("\n", "\r\n", "\r", "\n\n", "\n,,\n"))),
        quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
    )
    writer.writerows(draw(tables()))
    encoding = draw(
        st.sampled_from(
            ("utf-8", "utf-8", "utf-8", "utf-8-sig", "cp932", "cp932", "euc-jp", "utf-16", "cp1252", "iso-2022-jp")
        )
    )
    return draw(_damaged(out.getvalue().encode(encoding, errors=draw(st.sampled_from(("replace", "ignore"))))))


@st.composite
def _damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    if not raw or not draw(st.sampled_from((False, False, False, False, False, False, True))):
        return raw
    at = draw(st.integers(0, len(raw) - 1))
    return raw[:at] + draw(st.sampled_from((b'"', b"\0", b"\xff", b"\x81", b",", b"\n", b"\xe9", b""))) + raw[at + 1 :]


_leaves: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.just(10**400)
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(("\ud800", "\udfff x", "\ue000", "\0"))
)
_trees = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3), max_leaves=6
)
_keys = st.sampled_from([*(c.value for c in Column), "社員番号", "departures", "note", "\ud800"])


@st.composite
def _objects(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a good notice, then spoil a few of its keys, or something that hardly resembles one."""
    if draw(st.integers(0, 5)) == 5:
        return draw(st.dictionaries(_keys, _trees, max_size=5))
    pick = Random(draw(st.integers(0, 2**32)))
    found: dict[str, Any] = {c.value: pick.choice(GOOD[c]) for c in Column}
    for key in draw(st.lists(_keys, max_size=2)):
        found[key] = draw(st.sampled_from(TRAPS) | _trees)
    return found


@st.composite
def json_files(draw: st.DrawFn) -> bytes:
    """Draw a tree that resembles notices as a file, and damage every fourth, or nest it without end."""
    tree = draw(
        st.one_of(_objects(), st.lists(_objects() | _trees, max_size=4), st.builds(lambda x: {"departures": x}, st.lists(_objects(), max_size=4)), _trees)
    )  # fmt: skip
    text = json.dumps(tree, ensure_ascii=draw(st.booleans()) or "\\ud" in json.dumps(tree))
    match draw(st.integers(0, 15)):
        case 15:
            text = "[" * 100_000 + text
        case 1:
            text = text.replace('{"', '{"name": "x", "name": "y", "', 1)
        case 2:
            text = text.replace(":", ': 1e999, "a":', 1)
        case _:
            pass
    return draw(
        _damaged(
            text.encode(
                draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp932"))),
                errors="replace",
            )
        )
    )


def good_rows() -> st.SearchStrategy[dict[Column, str]]:
    """Draw rows that nothing is wrong with."""
    return st.fixed_dictionaries({column: st.sampled_from(values) for column, values in GOOD.items()})
