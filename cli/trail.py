"""`lastday trail`: the append-only log, checked and handed over.  The auditor's own door is `python -m audit`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from cli.errors import DONE, REMAINS, Refused
from cli.options import As, AsJson
from cli.private_files import refuse_open_files
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.checkpoint import Checkpoint
    from audit.note import Signer
    from casework.store import Store

T = TypeVar("T")
app = typer.Typer(help="Check the trail, sign its head, list open intents, export it.", no_args_is_help=True)


@app.command()
def check(
    held: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A checkpoint that you kept; may be repeated.")
    ] = None,
    vkey: Annotated[Path | None, typer.Option(metavar="FILE", help="The log's public key, from another hand.")] = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Recompute the whole log from its bytes, believing nothing.  Exits with 1 if it is broken, lacks entries, or an intent is open."""
    from audit import reading
    from audit.check import check as recompute

    terminal = Terminal.of(as_json=as_json, actor=actor)
    heads = _held(held or [], vkey)
    report, intents = _reading(
        lambda store, log: (recompute(log, origin=store.trail.origin, held=heads), reading.open_intents(log))
    )
    payload = {
        "origin": report.origin,
        "entries": report.size,
        "root": report.root.hex(),
        "erased": report.erased,
        "open_intents": len(intents),
        "broken": str(report.broken) if report.broken is not None else None,
        "sound": report.sound,
        "gaps": [{"row": gap.row, "from_size": gap.from_size, "size": gap.size} for gap in report.gaps],
    }
    verdict = say("sound", "正常") if report.sound else say(f"BROKEN at {report.broken}", f"破損: {report.broken}")
    shown = f"{report.origin or '-'}: {report.size} entries, root {report.root.hex()}, {len(intents)} open intents: {verdict}"
    terminal.answer(payload, shown, *(say(f"GAP at {gap}", f"欠落: {gap}") for gap in report.gaps))
    return DONE if report.whole and not intents else REMAINS


@app.command()
def checkpoint(as_json: AsJson = False, actor: As = None) -> int:
    """Print the signed head of the log, a C2SP checkpoint: keep it elsewhere."""
    terminal = Terminal.of(as_json=as_json, actor=actor)
    signed = _reading(lambda store, log: store.trail.checkpoint(log, _signer())).decode()
    terminal.answer({"checkpoint": signed}, signed.removesuffix("\n"))
    return DONE


@app.command("open-intents")
def open_intents(
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only those of one case.")] = None,
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """List writes that were announced and never answered: they may have happened.  Exits with 1 if there are any."""
    from cli.tables import cells, table

    terminal = Terminal.of(as_json=as_json, actor=actor)
    intents = _reading(lambda store, log: store.trail.open_intents(log, case))
    shown = table("row", "case", "op", "at")
    for intent in intents:
        shown.add_row(*cells(intent.idx, intent.case, intent.op, intent.at))
    rows = [{"row": i.idx, "case": i.case, "op": i.op, "at": i.at} for i in intents]
    terminal.answer({"open_intents": rows}, shown if intents else say("None.", "ありません。"))
    return REMAINS if intents else DONE


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where checkpoint, entries.jsonl and log.vkey go.")],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Write the log for tools that are not ours."""
    from audit.export import export as write

    terminal = Terminal.of(as_json=as_json, actor=actor)
    head = _reading(lambda _store, log: write(log, _signer(), folder))
    terminal.answer({"origin": head.origin, "entries": head.size}, f"{head.origin}: {head.size} entries written")
    return DONE


def _reading(look: Callable[[Store, Connection], T]) -> T:
    """Return what *look* finds in one state of the log; writes nothing."""
    from casework.bootstrap import open_store
    from casework.settings import read_settings

    refuse_open_files()
    store = open_store(read_settings())
    try:
        with store.read() as session:
            return look(store, session.connection())
    finally:
        store.engine.dispose()


def _signer() -> Signer:
    from casework.settings import read_settings
    from casework.trail.signing import log_signers

    return log_signers(read_settings())[0]


def _held(files: list[Path], vkey: Path | None) -> list[Checkpoint]:
    from audit.checkpoint import open_checkpoint
    from audit.note import Verifier

    if bool(files) != (vkey is not None):
        raise Refused("trail: --held and --vkey go together", "Give the kept checkpoints and the key that signed them.")
    if vkey is None:
        return []
    verifier = Verifier.parse(vkey.read_text("utf-8"))
    return [open_checkpoint(file.read_bytes(), verifier) for file in files]
