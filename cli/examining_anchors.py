"""The check of `lastday doctor` that asks whether outsiders still vouch for the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.errors import complaint
from cli.terminal import say

if TYPE_CHECKING:
    from audit.cadence import Health
    from casework.settings import CaseworkSettings

CHECK = "anchors"


def examine_anchors(settings: CaseworkSettings) -> dict[str, Any]:
    """
    Weigh the anchors, and hold the log against the mirrored ones and the witnesses' heads.

    "ok" also when nobody outside is configured: said plainly, not an error.  "amber": late, or entries were lost when a backup was
    restored and the log says so; "red": an alarm, a database older than its anchors, or settings that cannot be used.
    """
    from casework.bootstrap import open_store
    from casework.trail import anchoring

    try:
        store = open_store(settings)
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return _failed(exc, "failed")
    try:
        silent = anchoring.compare(store, settings)
        gaps = [say(f"GAP: {gap}", f"欠落: {gap}") for gap in anchoring.gaps(store)]
        found = _weighed(anchoring.health(store, settings), silent)
        return _with_gaps(found, gaps) if gaps else found
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return _failed(exc, "red")
    finally:
        store.engine.dispose()


def _with_gaps(found: dict[str, Any], gaps: list[str]) -> dict[str, Any]:
    """A log that lacks entries is never green again: it says so to whoever asks."""
    state = "amber" if found["state"] == "ok" else found["state"]
    remedy = say(
        "What lies in the gap is proved by nobody: compare these days with the vendors' logs, and show auditors the trail.epoch.",
        "欠落部分は証明できません。各社のログと照合し、監査人に trail.epoch を示してください。",
    )
    return _row(state, "; ".join([*gaps, found["detail"]]), " ".join(filter(None, [found["remedy"], remedy])))


def _failed(exc: Exception, state: str) -> dict[str, Any]:
    told = complaint(exc)
    if told is None:
        raise exc
    return _row(state, told.error, told.remedy)


def _row(state: str, detail: str, remedy: str | None = None) -> dict[str, Any]:
    return {"check": CHECK, "state": state, "detail": detail, "remedy": remedy}


def _weighed(health: Health, silent: tuple[str, ...]) -> dict[str, Any]:
    from audit.continuity import SigningStopped
    from cli.anchor import sentence

    if health.alarms:
        names = ", ".join(health.alarms)
        seen = say(f"SIGNING STOPPED: {names} knows another history", f"署名停止: {names} が別の履歴を保持しています")
        return _row("red", seen, say(SigningStopped.remedy, SigningStopped.remedy_ja))
    if health.level == "nobody":
        return _row("ok", say("not anchored: nobody outside vouches", "アンカーなし: 外部の証人がいません"), _how())
    newest = say("none yet", "まだありません") if health.newest is None else sentence(health.newest)
    if health.late_since is not None:
        late = say(
            f"since {health.late_since:%Y-%m-%d %H:%M}Z something waits for its anchor; {health.waiting} wait for a stamp",
            f"{health.late_since:%Y-%m-%d %H:%M}Z 以降の記録が未アンカー、時刻証明待ち {health.waiting} 件",
        )
        return _row("amber", "; ".join([late, newest, *silent]), _look())
    return _row("ok", "; ".join([newest, *silent]))


def _how() -> str:
    return say(
        "Set LASTDAY_WITNESS_POLICY_FILE and LASTDAY_TIMESTAMP_URLS (see .env.example).",
        "LASTDAY_WITNESS_POLICY_FILE と LASTDAY_TIMESTAMP_URLS を設定してください（.env.example 参照）。",
    )


def _look() -> str:
    return say(
        "Run `lastday anchor` and read its problems; see that the watching process runs (`lastday up`).",
        "`lastday anchor` を実行して問題を確認し、定期巡回（`lastday up`）が動いているか確認してください。",
    )
