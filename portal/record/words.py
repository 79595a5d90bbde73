"""The record's words: the glossary's for every enum, and ours for the events of the trail."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path

from portal.record.document import Cell, Phrase, Tone, visible

_GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"

EVENTS = {
    "case.opened": Phrase("case opened", "案件を開始"),
    "case.noticed": Phrase("HR's notice taken", "届出を受理"),
    "case.at_once": Phrase("made an emergency", "緊急停止に指定"),
    "case.number_disputed": Phrase("employee number in dispute", "社員番号に疑義"),
    "case.planned": Phrase("to be planned anew, or not planned whole", "計画未完了"),
    "case.waiting": Phrase("planned; waits for its instant", "計画完了・待機"),
    "case.cutting": Phrase("the cut began", "停止を開始"),
    "case.corrected": Phrase("particulars corrected", "届出内容を訂正"),
    "case.judged": Phrase("account judged", "アカウントを判定"),
    "case.decided": Phrase("decided for real", "本実施を決定"),
    "case.rescheduled": Phrase("rescheduled", "日程を変更"),
    "case.withdrawn": Phrase("withdrawn", "退職撤回"),
    "case.contained": Phrase("contained: no sign-in, no session", "封じ込め完了"),
    "case.deprovisioned": Phrase("all revocations commanded", "権限の剥奪を指示済み"),
    "case.closed": Phrase("closed and sealed", "完了・封緘"),
    "case.looked": Phrase("looked again after closing", "完了後の再確認"),
    "case.reopened": Phrase("reopened", "再開"),
    "case.approved": Phrase("approved by a second person", "第二者が承認"),
    "case.restore_requested": Phrase("restore asked for", "復元を依頼"),
    "case.restoring": Phrase("restore began", "復元を開始"),
    "case.restored_row": Phrase("one entitlement given back", "権限を復元"),
    "case.restored": Phrase("restored", "復元完了"),
    "case.returned": Phrase("returned from leave", "休職から復帰"),
    "case.exported": Phrase("record exported", "記録を出力"),
    "case.evidence_looked": Phrase("download evidence looked at", "ダウンロード証跡を閲覧"),
    "case.certified": Phrase("certificate issued", "証明書を発行"),
    "case.held": Phrase("legal hold set", "法的保全を設定"),
    "case.hold_released": Phrase("legal hold released", "法的保全を解除"),
    "case.erasure_requested": Phrase("erasure asked for", "消去を依頼"),
    "plan.sealed": Phrase("plan sealed before any change", "計画を変更前に封緘"),
    "answer.recorded": Phrase("question answered", "質問に回答"),
    "finding.opened": Phrase("finding opened", "指摘を記録"),
    "finding.resolved": Phrase("finding resolved", "指摘を解消"),
    "finding.question": Phrase("question asked", "質問を提示"),
    "finding.waiver_requested": Phrase("waiver asked for", "例外承認を依頼"),
    "finding.waived": Phrase("waiver approved", "例外を承認"),
    "finding.attested": Phrase("attested: done by hand", "手作業の実施を証明"),
    "nda.checked": Phrase("confidentiality papers checked", "秘密保持書類を確認"),
    "evidence.bound": Phrase("download evidence bound", "ダウンロード証跡を結付け"),
    "payload.erased": Phrase("personal data erased", "個人データを消去"),
}


@cache
def glossary() -> dict[str, dict[str, str]]:
    """Return value → Japanese by enum, from the page that a test holds to the enums."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", _GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        enum = re.search(r"`(\w+)`", title)
        if enum is not None:
            found[enum[1]] = dict(re.findall(r"^\| `([^|`]+)` \| ([^|]+?) \|", body, re.MULTILINE))
    return found


def word(value: StrEnum | None) -> Phrase:
    """Return an enum's member in both languages, None as a dash."""
    if value is None:
        return Phrase("–")
    return named(type(value).__name__, value.value)


def named(enum: str, value: str) -> Phrase:
    """Return the word *value* of the enum called *enum*; one that the glossary lacks is shown as it is."""
    japanese = glossary().get(enum, {}).get(value, "")
    english = japanese if enum == "Service" and japanese else visible(value.replace("_", " "))
    return Phrase(english, "" if japanese == english else japanese)


def event(kind: str) -> Phrase:
    """Return what a type of event of the trail means."""
    return EVENTS.get(kind, Phrase(kind.replace("_", " ").replace(".", ": ")))


_TONES = {
    "observed_closed": Tone.GOOD,
    "attested": Tone.SIGNED,
    "waived": Tone.SIGNED,
    "closed": Tone.GOOD,
    "restored": Tone.GOOD,
    "withdrawn": Tone.GOOD,
    "signed": Tone.GOOD,
    "complete": Tone.GOOD,
    "quiet": Tone.GOOD,
}


def state(value: StrEnum) -> Cell:
    """Return a state as a cell whose tone says whether anything is open."""
    return Cell(word(value), tone_of(value.value))


def tone_of(value: str) -> Tone:
    return _TONES.get(value, Tone.OPEN)


_DASH = Phrase("–")


def yes_or_no(value: bool | None, *, unknown: Phrase = _DASH) -> Cell:  # noqa: FBT001  # the answer itself
    """Return a verdict as a cell: yes is well, no is open."""
    if value is None:
        return Cell(unknown, Tone.QUIET)
    return Cell(Phrase("yes", "はい"), Tone.GOOD) if value else Cell(Phrase("no", "いいえ"), Tone.OPEN)
