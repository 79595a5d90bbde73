"""Why a collection is not complete: each reason as a word for the trail, and as a sentence in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.vocabulary import Completeness


class Said(NamedTuple):
    """One sentence in English and in Japanese."""

    en: str
    ja: str


REASONS: Mapping[str, Said] = {
    "quota": Said("the vendor's quota was used up", "ベンダーの利用上限に達したため"),
    "unreachable": Said("the vendor could not be reached", "ベンダーに接続できなかったため"),
    "unfinished": Said("the vendor did not finish its search", "ベンダー側の検索が完了しなかったため"),
    "cursor_expired": Said(
        "the vendor lost our place in the log again and again", "ベンダー側で読み取り位置が繰り返し失効したため"
    ),
    "repeated": Said("the vendor gave the same pages again and again", "ベンダーが同じページを繰り返し返したため"),
    "unintelligible": Said("the vendor's answer could not be understood", "ベンダーの応答を解釈できなかったため"),
    "denied": Said("our credential lacks a scope or a role for this log", "このログを読む権限（スコープ）がないため"),
    "not_on_plan": Said("the tenant's plan does not offer this log", "契約プランにこのログが含まれないため"),
    "not_recorded": Said(
        "the tenant has switched this log off: that is not the same as nothing having happened",
        "テナントでこのログの記録が無効なため（操作がなかったことを意味しません）",
    ),
    "truncated": Said("the vendor cut its answer short", "ベンダーが結果を途中で打ち切ったため"),
    "search_failed": Said("the vendor's search failed again and again", "ベンダー側の検索が繰り返し失敗したため"),
    "fewer": Said("the vendor gave fewer records than it counts", "取得件数がベンダーの示す件数に満たないため"),
    "refused": Said("the vendor refused one of the log's queries", "照会の一部をベンダーが受け付けなかったため"),
    "retention": Said("the vendor keeps less than the notice window", "ベンダーの保存期間が退職通知期間より短いため"),
    "plan": Said("the tenant's plan shows only a part", "契約プランでは一部しか取得できないため"),
    "unproven": Said(
        "nothing shows that the tenant records at all", "テナントで記録が有効であることを確認できないため"
    ),
    "address": Said("one of the log's queries needs an address that is not known", "照会に必要なアドレスが不明なため"),
    "failed": Said("reading it failed on our side", "当システム側の障害で読み取れなかったため"),
    "not_yet": Said("the window had not begun", "対象期間が始まっていないため"),
    "under_way": Said("it is still being read", "取得の途中のため"),
}
LASTING = frozenset({"retention", "plan"})
"""What another reading of the same window would lack just as well."""


def verdict_text(verdict: Completeness, reason: str | None, texts: Sequence[str] = ()) -> Said:
    """Return the verdict as a sentence; *texts* are the vendor-specific ones of its gaps."""
    if verdict is Completeness.COMPLETE:
        return Said("complete", "完全")
    why = REASONS.get(reason or "", Said(reason or "unknown", reason or "不明"))
    details = f" ({'; '.join(texts)})" if texts else ""
    if verdict is Completeness.PARTIAL:
        return Said(f"partial because {why.en}{details}", f"一部のみ：{why.ja}{details}")
    return Said(f"not available because {why.en}{details}", f"取得不可：{why.ja}{details}")
