"""The record's words: the glossary's for every enum, and ours for the events of the trail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

from audit.events import EventType
from casework.visible import visible
from models.vocabulary import ConnectionId
from portal.record.document import Cell, Phrase, Tone

_GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"

EVENTS: Mapping[EventType, Phrase] = {
    EventType.CASE_OPENED: Phrase("case opened", "案件を開始"),
    EventType.CASE_NOTICED: Phrase("HR's notice taken", "届出を受理"),
    EventType.CASE_AT_ONCE: Phrase("made an emergency", "緊急停止に指定"),
    EventType.CASE_NUMBER_DISPUTED: Phrase("employee number in dispute", "社員番号に疑義"),
    EventType.CASE_PLANNED: Phrase("to be planned anew, or not planned whole", "計画未完了"),
    EventType.CASE_WAITING: Phrase("planned; waits for its instant", "計画完了・待機"),
    EventType.CASE_CUTTING: Phrase("the cut began", "停止を開始"),
    EventType.CASE_JUDGED: Phrase("account judged", "アカウントを判定"),
    EventType.CASE_APPROVAL_REQUESTED: Phrase("approval asked for", "承認を依頼"),
    EventType.CASE_CORRECTED: Phrase("particulars corrected", "届出内容を訂正"),
    EventType.CASE_DECIDED: Phrase("decided for real", "本実施を決定"),
    EventType.CASE_RESCHEDULED: Phrase("rescheduled", "日程を変更"),
    EventType.CASE_WITHDRAWN: Phrase("withdrawn", "退職撤回"),
    EventType.CASE_CONTAINED: Phrase("contained: no sign-in, no session", "封じ込め完了"),
    EventType.CASE_DEPROVISIONED: Phrase("all revocations commanded", "権限の剥奪を指示済み"),
    EventType.CASE_CLOSED: Phrase("closed and sealed", "完了・封緘"),
    EventType.CASE_LOOKED: Phrase("looked again after closing", "完了後の再確認"),
    EventType.CASE_WATCHED: Phrase("watched for re-entry", "再侵入の監視を実施"),
    EventType.CASE_REOPENED: Phrase("reopened", "再開"),
    EventType.CASE_APPROVED: Phrase("approved by a second person", "第二者が承認"),
    EventType.CASE_RESTORE_REQUESTED: Phrase("restore asked for", "復元を依頼"),
    EventType.CASE_RESTORE_CONFIRMED: Phrase(
        "a person says that we took it: to be given back", "当システムによる剥奪と確認、復元対象"
    ),
    EventType.CASE_RESTORING: Phrase("restore began", "復元を開始"),
    EventType.CASE_RESTORED_ROW: Phrase("fate of one entitlement in a restore", "復元における権限ごとの結果"),
    EventType.CASE_RESTORED: Phrase("restored", "復元完了"),
    EventType.CASE_RETURNED: Phrase("returned from leave", "休職から復帰"),
    EventType.CASE_EXPORTED: Phrase("record exported", "記録を出力"),
    EventType.CASE_EVIDENCE_LOOKED: Phrase("download evidence looked at", "ダウンロード証跡を閲覧"),
    EventType.CASE_CERTIFIED: Phrase("certificate issued", "証明書を発行"),
    EventType.CASE_HELD: Phrase("legal hold set", "法的保全を設定"),
    EventType.CASE_HOLD_RELEASED: Phrase("legal hold released", "法的保全を解除"),
    EventType.CASE_ERASURE_REQUESTED: Phrase("erasure asked for", "消去を依頼"),
    EventType.CASE_POPULATION: Phrase("population drawn up", "母集団を作成"),
    EventType.PLAN_SEALED: Phrase("plan sealed before any change", "計画を変更前に封緘"),
    EventType.ANSWER_RECORDED: Phrase("question answered", "質問に回答"),
    EventType.FINDING_OPENED: Phrase("finding opened", "指摘を記録"),
    EventType.FINDING_RESOLVED: Phrase("finding resolved", "指摘を解消"),
    EventType.FINDING_QUESTION: Phrase("question asked", "質問を提示"),
    EventType.FINDING_WAIVER_REQUESTED: Phrase("waiver asked for", "例外承認を依頼"),
    EventType.FINDING_WAIVED: Phrase("waiver approved", "例外を承認"),
    EventType.FINDING_ATTESTED: Phrase("attested: done by hand", "手作業の実施を証明"),
    EventType.NDA_CHECKED: Phrase("confidentiality papers checked", "秘密保持書類を確認"),
    EventType.NDA_INTENT: Phrase("exit pledge about to be sent", "退職時誓約書の送付を予告"),
    EventType.NDA_OUTCOME: Phrase("exit pledge: what became of sending it", "退職時誓約書の送付結果"),
    EventType.NDA_SETTLED: Phrase("exit pledge no longer waited for", "退職時誓約書の待機を終了"),
    EventType.NDA_REMINDED: Phrase("reminded of the exit pledge", "退職時誓約書を督促"),
    EventType.NDA_REFUSED: Phrase("leaver declined to sign", "本人が署名を拒否"),
    EventType.NDA_RULED: Phrase("a person ruled whose paper it is", "書類の帰属を判断"),
    EventType.NDA_ANSWERED: Phrase("a test of a trade secret answered", "営業秘密の要件に回答"),
    EventType.EVIDENCE_BOUND: Phrase("download evidence bound", "ダウンロード証跡を結付け"),
    EventType.PAYLOAD_ERASED: Phrase("personal data erased", "個人データを消去"),
    EventType.REVOKE_INTENT: Phrase("a vendor is about to be asked", "サービスへの要求を予告"),
    EventType.REVOKE_OUTCOME: Phrase("what the vendor answered", "サービスの応答"),
    EventType.OBSERVE_SEEN: Phrase("what a read saw", "読み取りの結果"),
    EventType.OBSERVE_OPENER: Phrase("who let the account in again", "アカウントを再有効化した操作者"),
}
"""Of every type that belongs to a case."""
MANY = frozenset({EventType.REVOKE_INTENT, EventType.REVOKE_OUTCOME, EventType.OBSERVE_SEEN})
"""One or more for each entitlement: in `events/` only, not in the course of the case."""


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


def place(connection: ConnectionId | None) -> Phrase:
    """Return a connection as its vendor is called, with the name of a further one; None as a dash."""
    if connection is None:
        return Phrase("–")
    vendor, _, name = connection.partition(".")
    called = named("Service", vendor)
    return Phrase(f"{called.en} ({visible(name)})", called.ja) if name else called


def event(kind: str) -> Phrase:
    """Return what a type of event of a case means.  Raises `ValueError` for one that no trail of ours holds."""
    return EVENTS[EventType(kind)]


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
