"""Show the log's keys, make a new one, record its announcement, retirement or theft; change the evidence's key.  Order: docs/keys.md."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from audit.keys import open_or_create
from casework.bootstrap import evidence_store
from casework.evidence.keys import make
from casework.settings import read_settings
from casework.trail import signing
from cli.contexts import ACTOR, in_context, only_store
from cli.errors import DONE, REMAINS, CommandRefused
from cli.options import group
from cli.terminal import Terminal, advice, sentence

_TIMES = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]
_MOST = 20
"""How many cases are listed for people; JSON lists all."""
Vkey: TypeAlias = Annotated[str, typer.Argument(metavar="VKEY", help="The key's line in log.vkey: name+id+key.")]


def list_(terminal: Terminal) -> None:
    """Show the public keys that sign the log now, the present one first."""
    vkeys = [signer.verifier.vkey for signer in signing.log_signers(read_settings())]
    terminal.answer({"keys": vkeys}, *vkeys)


def new(
    terminal: Terminal,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the new key goes; it must not exist.")],
    evidence: Annotated[bool, typer.Option("--evidence", help="Make a master key of the evidence instead.")] = False,
) -> None:
    """Make a new key for the log in FILE.  Nothing is signed with it before the settings name it."""
    if os.path.lexists(file):
        raise CommandRefused(*advice("key_exists", file=file.name))
    if evidence:
        key = make(file)
        terminal.answer({"key": key.name, "file": str(file)}, key.name)
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    vkey = open_or_create(file, read_settings().audit_origin).verifier.vkey
    terminal.answer({"vkey": vkey, "file": str(file)}, vkey)


def announce(terminal: Terminal) -> None:
    """Record the log's new key: LASTDAY_AUDIT_KEY_… names it, and …_FORMER_KEY_… the former one.  Both sign from now on."""
    key = in_context(signing.announce, signing.log_signers(read_settings()), terminal.actor)
    terminal.report("key_announced", announced=key.vkey)


def retire(terminal: Terminal, vkey: Vkey) -> None:
    """Record that this key signs no more.  First make at least one anchor that both keys have signed."""
    in_context(signing.retire, vkey, signing.log_signers(read_settings()), terminal.actor)
    terminal.report("key_retired", retired=vkey)


def compromised(
    terminal: Terminal,
    vkey: Vkey,
    since: Annotated[
        datetime,
        typer.Option(
            formats=_TIMES, metavar="TIME", help="The earliest time, with its zone, at which it may be stolen."
        ),
    ],
    reason: Annotated[str, typer.Option(help="What is known of it.")] = "",
) -> None:
    """Record that this key was stolen.  Heads that were time-stamped before stay valid; later ones need another key."""
    in_context(signing.compromised, vkey, since, terminal.actor, reason)
    terminal.report("key_compromised", compromised=vkey, since=since)


def rotate_evidence(terminal: Terminal) -> int:
    """
    Wrap the evidence's keys with LASTDAY_EVIDENCE_KEY_FILE from now on; …_FORMER_KEY_FILE names the former key.

    Safe to stop and to run again, while others work.  Exits with 1 if a case's key could not be wrapped again: it stays as it is.
    """
    with only_store() as store, terminal.progress(None, sentence("rewrapping")) as bar:
        done = evidence_store(read_settings(), store).rotate(actor=ACTOR, by=terminal.who, told=bar.reach)
    facts = {"key": done.new.name, "rewrapped": done.count, "damaged": [*done.damaged], "missing": [*done.missing]}
    told = [sentence("evidence_rotated", **facts)]
    if done.damaged:
        told.append(sentence("evidence_damaged", count=len(done.damaged), cases=", ".join(done.damaged[:_MOST])))
    if done.missing:
        told.append(sentence("evidence_missing", keys=", ".join(done.missing)))
    terminal.answer(facts, *told if len(told) > 1 else (*told, sentence("evidence_whole")))
    return REMAINS if done.damaged or done.missing else DONE


app = group(__doc__, list_, new, announce, retire, compromised, rotate_evidence)
