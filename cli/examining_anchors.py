"""The check of `lastday doctor` that asks whether outsiders still vouch for the trail."""

from __future__ import annotations

from audit.cadence import Health
from audit.continuity import SigningStopped
from casework.settings import CaseworkSettings
from casework.trail import anchoring
from cli import anchor
from cli.contexts import only_store
from cli.rows import Row, failed, row
from cli.terminal import say

_LATE = (
    "Run `lastday anchor` and read its problems; see that the watching process runs (`lastday up`).",
    "`lastday anchor` を実行して問題を確認し、定期巡回（`lastday up`）が動いているか確認してください。",
)
_GAP = (
    "What lies in the gap is proved by nobody: compare these days with the vendors' logs, and show auditors the trail.epoch.",
    "欠落部分は証明できません。各社のログと照合し、監査人に trail.epoch を示してください。",
)


def examine_anchors(settings: CaseworkSettings) -> Row:
    """
    Weigh the anchors, and hold the log against the mirrored ones and the witnesses' heads.

    "ok" also when nobody outside is configured: said plainly, not an error.  "amber": late, or entries were lost when a backup was
    restored and the log says so; "red": an alarm, a database older than its anchors, or settings that cannot be used.
    """
    opened = False
    try:
        with only_store() as store:
            opened = True
            silent = anchoring.compare(store, settings)
            gaps = [say(f"GAP: {gap}", f"欠落: {gap}") for gap in anchoring.gaps(store)]
            return _with_gaps(_weighed(anchoring.health(store, settings), silent), gaps)
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return failed("anchors", exc, "red" if opened else "failed")


def _weighed(health: Health, silent: tuple[str, ...]) -> Row:
    if health.alarms:
        names = ", ".join(health.alarms)
        seen = say(f"SIGNING STOPPED: {names} knows another history", f"署名停止: {names} が別の履歴を保持しています")
        return row("anchors", "red", seen, say(SigningStopped.remedy, SigningStopped.remedy_ja))
    if health.level == "nobody":
        return row("anchors", detail=say(*anchor.WORDS["nobody_outside"]), remedy=say(*anchor.ADVICE))
    newest = say("none yet", "まだありません") if health.newest is None else anchor.sentence(health.newest)
    if health.late_since is None:
        return row("anchors", detail="; ".join([newest, *silent]))
    late = say(
        f"since {health.late_since:%Y-%m-%d %H:%M}Z something waits for its anchor; {health.waiting} wait for a stamp",
        f"{health.late_since:%Y-%m-%d %H:%M}Z 以降の記録が未アンカー、時刻証明待ち {health.waiting} 件",
    )
    return row("anchors", "amber", "; ".join([late, newest, *silent]), say(*_LATE))


def _with_gaps(found: Row, gaps: list[str]) -> Row:
    """A log that lacks entries is never green again: it says so to whoever asks."""
    if not gaps:
        return found
    state = "amber" if found["state"] == "ok" else found["state"]
    remedy = " ".join(filter(None, [found["remedy"], say(*_GAP)]))
    return row("anchors", state, "; ".join([*gaps, found["detail"]]), remedy)
