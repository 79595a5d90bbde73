"""
Hoshizora Trading's folder of confidentiality documents, kept by the personnel department: a manifest and the files.

It has each special case: signed documents, a scan, a paper changed after signing, a paper whose term has ended, and a
namesake's.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path

from emulators import documents
from emulators.company import Person, person
from emulators.pledges import ENTRY, PLEDGES, PROJECT, Pledge

MANIFEST = "manifest.csv"
ROOTS = "roots.pem"
COLUMNS = {
    "id": "文書番号", "file": "ファイル", "kind": "種別", "title": "件名", "signer_name": "署名者氏名",
    "signer_email": "署名者メールアドレス", "signer_employee_no": "社員番号", "signed_on": "署名日", "declined_on": "拒否日",
    "survives": "退職後有効", "expires_on": "有効期限", "scope": "対象範囲", "language": "言語", "sha256": "ハッシュ値",
    "template": "書式", "template_sha256": "書式のハッシュ値", "status": "状態",
}  # fmt: skip
KINDS = {"entry": "入社時誓約書", "exit": "退職時誓約書", "rules": "就業規則", "project": "秘密保持契約"}
_STATUS = {"signed": "署名済", "scan": "署名済", "waiting": "未署名", "declined": "拒否", "voided": "取消"}
_KIND_OF = {ENTRY: KINDS["entry"], PROJECT: KINDS["project"]}
_RULES = {
    "kind": KINDS["rules"], "title": "就業規則 第38条（秘密保持）", "template": "就業規則 2024年4月版", "survives": "はい",
    "scope": "業務上知り得た秘密", "language": "ja", "status": "施行中",
}  # fmt: skip
Row = dict[str, str]


def write_folder(
    folder: Path, rows: Iterable[Mapping[str, str]], files: Mapping[str, bytes], *, encoding: str = "cp932"
) -> Path:
    """Write a manifest with Japanese headers (as a spreadsheet saves it), and *files* beside it; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    out = StringIO()
    writer = csv.DictWriter(out, fieldnames=list(COLUMNS.values()))
    writer.writeheader()
    writer.writerows({COLUMNS[key]: value for key, value in row.items()} for row in rows)
    (folder / MANIFEST).write_bytes(out.getvalue().encode(encoding, "replace"))
    return folder


def pledges_folder(folder: Path, pledges: Iterable[Pledge] = PLEDGES) -> Path:
    """Write the papers of every emulated register; a paper that waits for its signature has no file.  Return the folder."""
    held = list(pledges)
    files = {_file(pledge): pledge.content() for pledge in held if pledge.state in {"signed", "scan"}}
    return write_folder(folder, [*(_row(pledge, files) for pledge in held), _RULES], files, encoding="utf-8-sig")


def add_line(folder: Path, **cells: str) -> None:
    """Append one line to a manifest in UTF-8, by its English columns."""
    with (folder / MANIFEST).open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(COLUMNS)).writerow(cells)


def _file(pledge: Pledge) -> str:
    return f"{pledge.employee_no}-{pledge.on}.pdf"


def _row(pledge: Pledge, files: Mapping[str, bytes]) -> Row:
    template = f"{pledge.title} 第3版"
    row = {
        "kind": _KIND_OF.get(pledge.title, KINDS["exit"]), "title": pledge.title, "signer_name": pledge.name,
        "signer_email": pledge.email, "signer_employee_no": pledge.employee_no, "template": template,
        "template_sha256": hashlib.sha256(template.encode()).hexdigest(), "language": pledge.language, "survives": "はい",
        "status": _STATUS[pledge.state], "expires_on": pledge.expires_on.isoformat() if pledge.expires_on else "",
    }  # fmt: skip
    if (content := files.get(_file(pledge))) is not None and pledge.state in {"signed", "scan"}:
        return row | {
            "file": _file(pledge), "signed_on": pledge.on.isoformat(), "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
    return row | ({"declined_on": pledge.on.isoformat()} if pledge.state == "declined" else {})


def company_folder(folder: Path, today: date) -> Path:
    """
    Write the company's folder; return the file with the root certificates of its signatures.

    E1001 has both pledges, signed.  E1002 has a scan, and a namesake's exit pledge is in the folder.  E1004's exit pledge
    was changed after it was signed.  E1010's pledge at entry has expired.
    """
    shelf = _Shelf(today)
    shelf.rules()
    shelf.signed(person("E1001"), "entry", date(2020, 4, 1), survives="はい", scope="営業上・技術上の秘密一切")
    shelf.signed(person("E1001"), "exit", today - timedelta(days=2), stamped=True, survives="はい")
    shelf.scan(person("E1002"), "entry", date(2020, 4, 1))
    shelf.signed(person("E1003"), "exit", today - timedelta(days=3), survives="はい")
    shelf.signed(person("E1004"), "entry", date(2020, 4, 1), survives="はい")
    shelf.altered(person("E1004"), "exit", today - timedelta(days=1))
    shelf.signed(
        person("E1010"), "entry", date(2020, 4, 1), expires_on=str(today - timedelta(days=30)), survives="はい"
    )
    write_folder(folder, shelf.rows, shelf.files)
    roots = folder / ROOTS
    roots.write_bytes(documents.pki().roots)
    return roots


class _Shelf:
    """Papers on their way into the folder."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.rows: list[Row] = []
        self.files: dict[str, bytes] = {}

    def rules(self) -> None:
        """The article of the work rules: in force, signed by nobody."""
        self.rows.append(
            {"id": "rules-42", "kind": KINDS["rules"], "title": "就業規則 第42条（秘密保持）", "language": "ja"}
        )

    def signed(self, who: Person, kind: str, on: date, *, stamped: bool = False, **known: str) -> None:
        """A PDF with the person's electronic signature."""
        content = documents.signed(who.romaji, at=_noon(on), stamped=stamped)
        self._add(who, kind, on, "pdf", content, **known)

    def scan(self, who: Person, kind: str, on: date) -> None:
        """The picture of a page that was signed by hand."""
        self._add(who, kind, on, "pdf", documents.scan_pdf())

    def altered(self, who: Person, kind: str, on: date) -> None:
        """A signed PDF whose words were changed afterwards."""
        content = documents.changed_afterwards(documents.signed(who.romaji, at=_noon(on)))
        self._add(who, kind, on, "pdf", content, survives="はい")

    def _add(self, who: Person, kind: str, on: date, suffix: str, content: bytes, **known: str) -> None:
        name = f"{who.employee_no}-{kind}.{suffix}"
        self.files[name] = content
        self.rows.append(
            {
                "id": f"{who.employee_no}-{kind}",
                "file": name,
                "kind": KINDS[kind],
                "title": KINDS[kind],
                "signer_name": who.name,
                "signer_employee_no": who.employee_no,
                "signed_on": f"{on:%Y/%m/%d}",
                "language": "ja",
            }
            | known
        )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(3), UTC)
