"""A folder of the company's papers with its manifest, as a personnel department would keep them."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from emulators.pledges import ENTRY, PLEDGES, PROJECT, Pledge

COLUMNS = {
    "file": "ファイル", "kind": "種別", "title": "件名", "signer_name": "署名者氏名", "signer_email": "署名者メールアドレス",
    "signer_employee_no": "社員番号", "signed_on": "署名日", "declined_on": "拒否日", "template": "書式",
    "template_sha256": "書式のハッシュ値", "sha256": "ハッシュ値", "survives": "退職後有効", "expires_on": "有効期限",
    "scope": "対象範囲", "language": "言語", "status": "状態",
}  # fmt: skip
_STATUS = {"signed": "署名済", "scan": "署名済", "waiting": "未署名", "declined": "拒否", "voided": "取消"}
_RULES = {
    "種別": "就業規則", "件名": "就業規則 第38条（秘密保持）", "書式": "就業規則 2024年4月版", "退職後有効": "はい",
    "対象範囲": "業務上知り得た秘密", "言語": "ja", "状態": "施行中",
}  # fmt: skip


def fill(folder: Path, *, pledges: tuple[Pledge, ...] = PLEDGES) -> None:
    """Write papers and `manifest.csv` (Japanese headers) into *folder*, made if missing.  What waits for a signature has no file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [_line(folder, pledge) for pledge in pledges] + [_RULES]
    with (folder / "manifest.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS.values()))
        writer.writeheader()
        writer.writerows(lines)


def add_line(folder: Path, **cells: str) -> None:
    """Append one line to the manifest, by its English columns."""
    with (folder / "manifest.csv").open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(COLUMNS.values()))
        writer.writerow({COLUMNS[name]: value for name, value in cells.items()})


def _line(folder: Path, pledge: Pledge) -> dict[str, str]:
    template = f"{pledge.title} 第3版"
    line = {
        "kind": _kind(pledge), "title": pledge.title, "signer_name": pledge.name, "signer_email": pledge.email,
        "signer_employee_no": pledge.employee_no, "template": template, "language": pledge.language, "survives": "はい",
        "template_sha256": hashlib.sha256(template.encode()).hexdigest(), "status": _STATUS[pledge.state],
        "expires_on": pledge.expires_on.isoformat() if pledge.expires_on is not None else "",
    }  # fmt: skip
    if pledge.state in {"signed", "scan"}:
        name, content = f"{pledge.employee_no}-{pledge.on}.pdf", pledge.content()
        (folder / name).write_bytes(content)
        line |= {"file": name, "signed_on": pledge.on.isoformat(), "sha256": hashlib.sha256(content).hexdigest()}
    elif pledge.state == "declined":
        line["declined_on"] = pledge.on.isoformat()
    return {COLUMNS[name]: value for name, value in line.items()}


def _kind(pledge: Pledge) -> str:
    if pledge.title == PROJECT:
        return "秘密保持契約"
    return "入社時誓約書" if pledge.title == ENTRY else "退職時誓約書"
