"""Check the trail, sign its head, list open intents, export it, pass its events on.  The auditor's own command is `python -m audit`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audit import outbox, reading
from audit.check import check as recompute
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.export import export as write
from audit.note import Verifier
from casework.settings import read_settings
from casework.trail.comparing import differences
from casework.trail.signing import log_signers
from cli.contexts import in_log, only_store
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import group
from cli.tables import table
from cli.terminal import Terminal, advice, sentence


def check(
    terminal: Terminal,
    held: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A checkpoint that you kept; may be repeated.")
    ] = None,
    vkey: Annotated[Path | None, typer.Option(metavar="FILE", help="The log's public key, from another hand.")] = None,
) -> int:
    """
    Recompute the whole log from its bytes, trust no stored hash, and compare the tables with it.

    Exits with 1 if the log is broken or has a gap, if an intent is open, or if the tables differ.
    """
    heads = _held(held or [], vkey)
    with only_store() as store, store.read() as session:
        log = session.connection()
        report, intents = recompute(log, origin=store.trail.origin, held=heads), reading.open_intents(log)
        unlike = [*differences(session)] if report.sound else []
    payload = {
        "origin": report.origin,
        "entries": report.size,
        "root": report.root.hex(),
        "erased": report.erased,
        "open_intents": len(intents),
        "broken": str(report.broken) if report.broken is not None else None,
        "sound": report.sound,
        "differences": [asdict(one) for one in unlike],
        "gaps": [{"row": gap.row, "from_size": gap.from_size, "size": gap.size} for gap in report.gaps],
    }
    verdict = sentence("sound") if report.sound else sentence("broken_at", row=report.broken)
    shown = f"{report.origin or '-'}: {report.size} entries, root {report.root.hex()}, {len(intents)} open intents: {verdict}"
    told = [sentence("gap", gap=gap) for gap in report.gaps] + [sentence("tables_differ", one=one) for one in unlike]
    terminal.answer(payload, shown, *told)
    return DONE if report.whole and not intents and not unlike else REMAINS


def checkpoint(terminal: Terminal) -> None:
    """Print the signed head of the log, a C2SP checkpoint: keep it elsewhere."""
    signed = in_log(lambda trail, log: trail.checkpoint(log, log_signers(read_settings())[0])).decode()
    terminal.answer({"checkpoint": signed}, signed.removesuffix("\n"))


def open_intents(
    terminal: Terminal,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only those of one case.")] = None,
) -> int:
    """List writes at vendors without a recorded outcome: they may have happened.  Exits with 1 if there are any."""
    intents = in_log(lambda trail, log: trail.open_intents(log, case))
    rows = [{"row": i.idx, "case": i.case, "op": i.op, "at": i.at} for i in intents]
    shown = table("Row", "Case", "Op", "At", rows=(row.values() for row in rows))
    terminal.answer({"open_intents": rows}, shown if intents else sentence("none"))
    return REMAINS if intents else DONE


def export(
    terminal: Terminal,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where checkpoint, entries.jsonl and log.vkey go.")],
) -> None:
    """Write the log for other tools."""
    head = in_log(lambda _, log: write(log, log_signers(read_settings())[0], folder))
    terminal.report("log_written", origin=head.origin, entries=head.size)


def follow(
    terminal: Terminal,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Events between two moves of the cursor.")] = 500,
) -> None:
    """
    Print the events that the receiver named by --as has not received yet, one JSON object a line, and end.

    Each receiver name has its own cursor.  Each event comes at least once, and none is skipped.
    """
    with only_store() as store:
        while True:
            with store.read() as session:
                told = outbox.after(session.connection(), terminal.actor, batch)
            if not told:
                return
            terminal.lines(map(asdict, told))
            with store.write() as session:  # after printing: events that were not passed on are printed again
                outbox.move(session.connection(), terminal.actor, told[-1])


def _held(files: list[Path], vkey: Path | None) -> list[Checkpoint]:
    if bool(files) != (vkey is not None):
        raise CommandRefused(*advice("needs_vkey"))
    if vkey is None:
        return []
    verifier = Verifier.parse(vkey.read_text("utf-8"))
    return [open_checkpoint(file.read_bytes(), verifier) for file in files]


app = group(__doc__, check, checkpoint, open_intents, export, follow)
