"""The check of `lastday doctor` that asks whether outsiders still vouch for the trail."""

from __future__ import annotations

from audit import anchoring, epochs
from audit.cadence import Health
from audit.continuity import SigningStopped
from casework.settings import CaseworkSettings
from casework.trail.anchoring import berth
from cli.anchor import anchored
from cli.contexts import only_store
from cli.rows import Row, failed, row
from cli.terminal import advice, say, sentence


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
            place = berth(settings, store)
            silent = anchoring.compare(place)
            with place.reading() as connection:
                gaps = [advice("gap", gap=gap) for gap in epochs.told(connection)]
            return _with_gaps(_weighed(anchoring.health(place), silent), gaps)
    except Exception as exc:  # noqa: BLE001  # told if it was foreseen, raised again if not
        return failed("anchors", exc, "red" if opened else "failed")


def _weighed(health: Health, silent: tuple[str, ...]) -> Row:
    if health.alarms:
        names = ", ".join(health.alarms)
        seen = sentence("signing_stopped", names=names)
        return row("anchors", "red", seen, say(SigningStopped.remedy, SigningStopped.remedy_ja))
    if health.level == "nobody":
        return row("anchors", "ok", *advice("nobody_outside"))
    newest = sentence("no_anchor_yet") if health.newest is None else anchored(health.newest)
    if health.late_since is None:
        return row("anchors", detail="; ".join([newest, *silent]))
    late, remedy = advice("anchors_late", since=health.late_since, waiting=health.waiting)
    return row("anchors", "amber", "; ".join([late, newest, *silent]), remedy)


def _with_gaps(found: Row, gaps: list[tuple[str, str]]) -> Row:
    """A log that lacks entries is never green again: it says so to whoever asks."""
    if not gaps:
        return found
    state = "amber" if found["state"] == "ok" else found["state"]
    told, remedies = zip(*gaps, strict=True)
    remedy = " ".join(filter(None, [found["remedy"], remedies[0]]))
    return row("anchors", state, "; ".join([*told, found["detail"]]), remedy)
