"""
The rollback check: does the log still continue each head that has left the house?  A restored backup does not.

A backup brings back an older state of the log.  Events appended to it would reuse the numbers of lost ones.  So the first append
adds an entry that says so and begins a new epoch, see `audit.epochs`.  No append is refused.
"""

from __future__ import annotations

from sqlalchemy import Connection

from audit import epochs, merkle, reading
from audit.anchor_files import AnchorFiles
from audit.appending import EventDraft, TrailError
from audit.checkpoint import Checkpoint


class RollbackError(TrailError):
    """The database lacks entries of a head that left the house: a restored backup, or another history."""

    remedy = (
        "Restore a database at least as new as the newest anchor (LASTDAY_ANCHOR_FOLDER), if there is one. Else go on: the "
        "next write begins a new epoch, which says for ever what is missing. Nothing that is cut waits for this."
    )
    remedy_ja = (
        "最新のアンカー（LASTDAY_ANCHOR_FOLDER）以降のデータベースがあれば復元してください。なければそのまま続行できます。"
        "次の書き込みで新しいエポックが始まり、欠落が記録に残ります。アカウントの遮断は待たされません。"
    )


class SigningStopped(TrailError):
    """A witness knows another history of the log, or more of it than we do.  A person must look before anything is signed."""

    remedy = (
        "Compare the log with what the witness holds (`lastday trail check --held FILE`), find out who signed the other "
        "history, and only then `lastday anchor clear --reason TEXT`."
    )
    remedy_ja = (
        "証人の保持するチェックポイントと記録を照合し（`lastday trail check --held FILE`）、別の履歴に署名した者を確認したうえで、"
        "`lastday anchor clear --reason TEXT` を実行してください。"
    )


def require(connection: Connection, head: Checkpoint) -> None:
    """Raise `RollbackError` unless the log's first entries are those of *head*, or a gap in the log explains the difference."""
    if continues(connection, head) or any(gap.explains(head.size) for gap in epochs.told(connection)):
        return
    size = reading.size(connection)
    if size < head.size:
        raise RollbackError(
            f"trail: the log has {size} entries, and a head of {head.size} has left the house: "
            "the database was restored from a backup, or lost its last entries"
        )
    raise RollbackError(f"trail: the log's first {head.size} entries are not those whose head has left the house")


def continues(connection: Connection, head: Checkpoint) -> bool:
    """Whether the log's first entries are those of *head*."""
    return (
        head.size <= reading.size(connection) and merkle.root(head.size, reading.node_reader(connection)) == head.root
    )


class RollbackCheck:
    """
    Finds heads that have left the house and that the log lacks.  Reads the folders of mirrored anchors only when they have changed.

    One instance a process.  A folder that is missing or cannot be read stops nothing and only delays the check: `lastday doctor`
    reports it.
    """

    def __init__(self, mirror: AnchorFiles) -> None:
        self._mirror = mirror
        self._passed: tuple[int, ...] | None = None
        self._said_in: object = None

    def __call__(self, connection: Connection) -> EventDraft | None:
        """Return the event that begins a new epoch if the log lacks a mirrored head, else None.  Call it with the log's lock held."""
        changed = self._mirror.changed_at()
        if changed is None or changed == self._passed:
            return None
        try:
            draft = self.look(connection)
        except OSError:
            return None
        if draft is not None:
            self._said_in = connection.get_transaction()
        elif connection.get_transaction() is not self._said_in:  # this transaction's own epoch may yet be rolled back
            self._passed = changed
        return draft

    def look(self, connection: Connection, *, strict: bool = False) -> EventDraft | None:
        """Do the same, and always read the folders.  Raises `OSError`; with *strict*, `NoteError` for a file that is not a head."""
        common, lost = 0, None
        for head, note in self._mirror.heads(strict=strict):
            if continues(connection, head):
                common = max(common, head.size)
            elif reading.find(connection, epochs.key(note)) is None and (lost is None or head.size > lost[0].size):
                lost = head, note
        return None if lost is None else epochs.begin(*lost, reading.size(connection), common)
