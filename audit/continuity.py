"""
Whether the log still continues what has left the house: the check that a restored backup does not pass.

A backup brings back a log that was once true.  To append to it would fork: the same numbers, other events.  So the process
refuses before its first append, and again whenever a newer head is known.
"""

from __future__ import annotations

from sqlalchemy import Connection

from audit import merkle, reading
from audit.checkpoint import Checkpoint
from audit.mirror import Mirror
from audit.note import NoteError
from audit.placing import TrailError


class Discontinued(TrailError):
    """The database is not the one whose head left the house: older (a restored backup), or another history."""

    remedy = (
        "Restore a database at least as new as the newest anchor (LASTDAY_ANCHOR_FOLDER). If its last entries are lost for "
        "good: keep this one as it is, and in a new database with a new LASTDAY_AUDIT_ORIGIN run `lastday anchor begin-log "
        "NEWEST.checkpoint --lost`."
    )
    remedy_ja = (
        "最新のアンカー（LASTDAY_ANCHOR_FOLDER）以降のデータベースを復元してください。末尾の記録が失われた場合は、この"
        "データベースを保存し、新しいデータベースと LASTDAY_AUDIT_ORIGIN で `lastday anchor begin-log NEWEST.checkpoint --lost` "
        "を実行してください。"
    )


class SigningStopped(TrailError):
    """A witness knows another history of the log, or more of it than we do.  A person must look before anything is signed."""

    remedy = (
        "Compare the log with what the witness holds (`lastday trail check --held FILE`), find out who signed the other "
        "history, and only then `lastday anchor clear --reason TEXT`."
    )
    remedy_ja = (
        "証人の保持するチェックポイントと記録を照合し（`lastday trail check --held FILE`）、別の履歴に署名した者を確認した上で "
        "`lastday anchor clear --reason TEXT` を実行してください。"
    )


def require(connection: Connection, head: Checkpoint) -> None:
    """Raise `Discontinued` unless the log's first entries are those of *head*."""
    size = reading.size(connection)
    if size < head.size:
        raise Discontinued(
            f"trail: cannot append: the log has {size} entries, and a head of {head.size} has left the house: "
            "the database was restored from a backup, or lost its last entries"
        )
    if merkle.root(head.size, reading.node_reader(connection)) != head.root:
        raise Discontinued(
            f"trail: cannot append: the log's first {head.size} entries are not those whose head has left the house"
        )


class Guard:
    """
    Refuses appends to a log that does not continue its mirrored anchors; reads the folder only when it has changed.

    One for a process.  Costs an append one `stat`.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._passed: int | None = None

    def __call__(self, connection: Connection) -> None:
        """Raise `Discontinued` if the log must not grow.  Call it with the log's lock held."""
        changed = self._mirror.changed_at()
        if changed is None or changed == self._passed:
            return
        try:
            head = self._mirror.newest()
        except (NoteError, OSError) as exc:
            raise Discontinued("trail: cannot append: the newest mirrored anchor cannot be read") from exc
        if head is not None:
            require(connection, head)
        self._passed = changed
