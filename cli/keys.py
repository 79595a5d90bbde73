"""`lastday keys`: who signs the log, and how that changes.  The order of a change stands in docs/keys.md."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli.contexts import in_context
from cli.errors import DONE, Refused
from cli.options import As, AsJson
from cli.terminal import Terminal, say

if TYPE_CHECKING:
    from audit.note import Signer

app = typer.Typer(
    help="Show the keys, make a new one, tell the log of its successor or of its loss.", no_args_is_help=True
)
Vkey: TypeAlias = Annotated[str, typer.Argument(metavar="VKEY", help="The key's line in log.vkey: name+id+key.")]


@app.command("list")
def list_keys(as_json: AsJson = False, actor: As = None) -> int:
    """Show the public keys that sign the log now, the present one first."""
    terminal = Terminal.of(as_json=as_json, actor=actor)
    vkeys = [signer.verifier.vkey for signer in _signers()]
    terminal.answer({"keys": vkeys}, *vkeys)
    return DONE


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the new key goes; it must not exist.")],
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Make a new key for the log in FILE.  Nothing is signed with it before the settings name it."""
    from audit.keys import open_or_create
    from casework.settings import read_settings

    terminal = Terminal.of(as_json=as_json, actor=actor)
    if file.exists():
        raise Refused(f"keys: {file.name} exists", "Choose another file: a key is never written over.")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    vkey = open_or_create(file, read_settings().audit_origin).verifier.vkey
    terminal.answer({"vkey": vkey, "file": str(file)}, vkey)
    return DONE


@app.command()
def announce(as_json: AsJson = False, actor: As = None) -> int:
    """Tell the log of its new key: LASTDAY_AUDIT_KEY_… names it, and …_FORMER_KEY_… the one before.  Both sign from now on."""
    from casework.trail import keyring

    terminal = Terminal.of(as_json=as_json, actor=actor)
    key = in_context(lambda context: keyring.announce(context, _signers(), terminal.actor))
    terminal.answer({"announced": key.vkey}, say(f"announced: {key.vkey}", f"新しい鍵を記録しました: {key.vkey}"))
    return DONE


@app.command()
def retire(vkey: Vkey, as_json: AsJson = False, actor: As = None) -> int:
    """Tell the log that this key signs no more: after at least one anchor that both keys have signed."""
    from casework.trail import keyring

    terminal = Terminal.of(as_json=as_json, actor=actor)
    in_context(lambda context: keyring.retire(context, vkey, _signers(), terminal.actor))
    terminal.answer({"retired": vkey}, say("retired", "この鍵の使用終了を記録しました"))
    return DONE


@app.command()
def compromised(
    vkey: Vkey,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="The earliest time at which it may have been stolen, with its zone.")
    ],
    reason: Annotated[str, typer.Option(help="What is known of it.")] = "",
    as_json: AsJson = False,
    actor: As = None,
) -> int:
    """Tell the log that this key is in other hands.  What was time-stamped before stands; what came later does not."""
    from casework.trail import keyring

    terminal = Terminal.of(as_json=as_json, actor=actor)
    in_context(lambda context: keyring.compromised(context, vkey, _time(since), terminal.actor, reason))
    terminal.answer({"compromised": vkey, "since": since}, say("recorded", "鍵の漏えいを記録しました"))
    return DONE


def _time(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as exc:
        raise Refused(f"keys: {text} is not a time", "Write it as 2026-11-22T09:00:00+09:00.") from exc
    if when.tzinfo is None:
        raise Refused(f"keys: {text} has no zone", "Write it as 2026-11-22T09:00:00+09:00.")
    return when


def _signers() -> list[Signer]:
    from casework.settings import read_settings
    from casework.trail.signing import log_signers

    return log_signers(read_settings())
