"""
The auditor's command line.  `python -m audit verify DIR --trust DIR` proves a bundle and needs no database.
`python -m audit check|checkpoint|open-intents|export --database URL` reads the log from the database.

Never writes to the database.  Exit codes: 0 sound, 1 something is broken or open, 2 bad input or settings.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from audit import export as exporting
from audit import keys, reading
from audit.appending import TrailError
from audit.check import check
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.keys import FileSigner, KeyRefused
from audit.leaf import LeafError
from audit.note import NoteError, Verifier
from audit.trail import Trail
from audit.verify import TITLES, UnreadableBundle, verify


class InputError(Exception):
    """An argument or a setting that cannot be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        if "database" not in asked:
            return int(asked.verb(asked))
        with reader(asked.database).connect() as connection:
            return int(asked.verb(connection, asked))
    except TrailError as exc:
        return _complain(str(exc), 1)
    except (InputError, UnreadableBundle, KeyRefused, NoteError, OSError) as exc:
        return _complain(str(exc), 2)
    except SQLAlchemyError as exc:  # its text holds statements and addresses
        return _complain(f"trail: cannot read the database: {type(exc).__name__}", 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description="Read the trail without the rest of lastday.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    _add_verify(verbs)
    for name, verb, summary in (
        ("check", _check, "recompute the whole log from its bytes"),
        ("checkpoint", _checkpoint, "print the signed head of the log"),
        ("open-intents", _open_intents, "list writes that were announced and never answered"),
        ("export", _export, "write checkpoint, entries.jsonl and log.vkey"),
    ):
        one = verbs.add_parser(name, help=summary, description=summary)
        one.add_argument("--database", required=True, metavar="URL", help="sqlite:///FILE or postgresql+psycopg://…")
        one.set_defaults(verb=verb)
        if name == "check":
            one.add_argument(
                "--held", action="append", default=[], type=Path, metavar="FILE", help="a checkpoint that you kept"
            )
            one.add_argument("--vkey", type=Path, metavar="FILE", help="the log's public key, from another hand")
        if name == "open-intents":
            one.add_argument("--case", metavar="REF")
        if name in {"checkpoint", "export"}:
            one.add_argument("--key", required=True, type=Path, metavar="FILE", help="the log's signing key")
        if name == "export":
            one.add_argument("folder", type=Path)
    return parser


def _add_verify(verbs: Any) -> None:
    summary = "prove a case's bundle with what you brought yourself"
    one = verbs.add_parser("verify", help=summary, description=summary)
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument(
        "--trust", required=True, type=Path, metavar="DIR", help="keys, policy and roots, from another hand"
    )
    one.add_argument("--log", type=Path, metavar="DIR", help="a later state of the log: checkpoint and entries.jsonl")
    one.set_defaults(verb=_verify)


def reader(database: str) -> Engine:
    """Return an engine that cannot write, and whose transactions see one state of the log."""
    try:
        url = make_url(database)
    except (SQLAlchemyError, ValueError):  # their text may hold a piece of the password
        raise InputError("trail: cannot read the database: not a URL") from None
    if url.get_backend_name() == "sqlite":
        return _sqlite_reader(url)
    if url.drivername == "postgresql+psycopg":
        engine = create_engine(url, poolclass=NullPool)
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    raise InputError("trail: cannot read the database: only sqlite and postgresql+psycopg")


def _sqlite_reader(url: URL) -> Engine:
    path = Path(url.database or "")
    if not path.is_file():
        raise InputError("trail: cannot read the database: no such file")

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None, timeout=30)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _verify(asked: argparse.Namespace) -> int:
    report = verify(asked.folder, asked.trust, log=asked.log)
    for step, seen in sorted(report.passed.items()):
        _print(f"{step:>2d} ok  {TITLES[step][0]}: {seen}")
    for broken in sorted(report.faults, key=lambda fault: fault.step):
        _print(f"{broken.step:>2d} BROKEN  {TITLES[broken.step][0]}: {broken.file}: {broken.what}")
    if report.first is not None:
        return _complain(f"bundle: broken at {report.first}", 1)
    for english, _ in report.verdict:
        _print(english)
    for missing in report.unasked:
        _print(f"NOT SHOWN: {missing}")
    for gap in report.gaps:
        _print(f"GAP  {gap}")
    if report.in_gap:
        return _complain(f"{report.case}: sound, but events of it may lie in the gap", 1)
    _print(f"{report.case}: {'sound, as far as it was asked' if report.unasked else 'sound'}")
    return 0


def _check(connection: Connection, asked: argparse.Namespace) -> int:
    held = _held(asked)
    report = check(connection, origin=held[0].origin if held else None, held=held)
    if report.broken is not None:
        return _complain(f"trail: broken at {report.broken}", 1)
    _print(
        f"{report.origin or 'no log yet'}: {report.size} entries, root {report.root.hex()}, {report.erased} payloads erased: sound"
    )
    for gap in report.gaps:
        _print(f"GAP  {gap}")
    return 0 if report.whole else 1


def _held(asked: argparse.Namespace) -> list[Checkpoint]:
    if bool(asked.held) != (asked.vkey is not None):
        raise InputError("--held and --vkey go together")
    verifier = Verifier.parse(asked.vkey.read_text("utf-8")) if asked.vkey is not None else None
    return [open_checkpoint(file.read_bytes(), verifier) for file in asked.held if verifier is not None]


def _checkpoint(connection: Connection, asked: argparse.Namespace) -> int:
    signer = _signer(connection, asked)
    _print(Trail(signer.name).checkpoint(connection, signer).decode(), end="")
    return 0


def _open_intents(connection: Connection, asked: argparse.Namespace) -> int:
    intents = reading.open_intents(connection, asked.case)
    for intent in intents:
        _print(f"{intent.idx}\t{intent.case}\t{intent.op}\t{intent.at}")
    return 1 if intents else 0


def _export(connection: Connection, asked: argparse.Namespace) -> int:
    head = exporting.export(connection, _signer(connection, asked), asked.folder)
    _print(f"{head.origin}: {head.size} entries written")
    return 0


def _signer(connection: Connection, asked: argparse.Namespace) -> FileSigner:
    try:
        origin = reading.origin(connection)
    except LeafError as exc:
        raise TrailError(f"{exc} (row 0)") from exc
    if origin is None:
        raise InputError("trail: nothing to sign: the log is empty")
    return keys.open_key(asked.key, origin)


def _print(line: str, end: str = "\n") -> None:
    sys.stdout.write(line + end)


def _complain(line: str, code: int) -> int:
    sys.stderr.write(line + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
