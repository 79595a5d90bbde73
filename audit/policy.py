"""
The witness policy: which logs and witnesses must sign a checkpoint, in groups and a quorum (c2sp.org/tlog-policy).

The file is read strictly: a line that is not understood is refused.  Names and comments may have any characters except control
characters; only ASCII space and tab separate words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from types import MappingProxyType

from audit import note
from audit.cosignature import WitnessKey, cosigned
from audit.note import NoteError, Verifier

NONE = "none"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class PolicyError(ValueError):
    """A policy file that cannot be understood.  The message names the line."""


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log whose checkpoints are accepted; its key's name is its origin."""

    key: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class TrustedWitness:
    """A witness.  *name*: used only inside the policy file.  *url*: its submission prefix."""

    name: str
    key: WitnessKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessGroup:
    """At least *threshold* of *members* (witnesses or groups)."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """What a policy file says.  *quorum* names a witness or a group, or is `none`."""

    logs: tuple[TrustedLog, ...]
    witnesses: tuple[TrustedWitness, ...]
    groups: Mapping[str, WitnessGroup]
    quorum: str

    @property
    def log(self) -> Verifier:
        """The first log's key.  Raises `PolicyError` if the file lists none."""
        if not self.logs:
            raise PolicyError("policy: cannot name the log: no log line")
        return self.logs[0].key

    def satisfied(self, names: Collection[str]) -> bool:
        """Return whether the witnesses of these *names* (the file's names) are a quorum."""
        return self.quorum == NONE or self._witnessed(self.quorum, names)

    def _witnessed(self, name: str, names: Collection[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in names
        return sum(self._witnessed(member, names) for member in group.members) >= group.threshold

    def cosigned_by(self, raw: bytes) -> dict[str, datetime]:
        """
        Return which witnesses, by their names in the file, have cosigned the note, and when.

        Raises `NoteError` for other bytes, and if a line that names a listed key is wrong.  Does not verify the log's own
        signature: see `checkpoint.open_checkpoint`.
        """
        text, lines = note.split(raw)
        found = cosigned(text, lines, [witness.key for witness in self.witnesses])
        return {witness.name: found[witness.key] for witness in self.witnesses if witness.key in found}


def read(text: str) -> LogPolicy:
    """Read a policy file's text.  Raises `PolicyError`, naming the line."""
    if not text.endswith("\n"):
        raise PolicyError("policy: cannot read: the last line has no end")
    draft = _Draft()
    for number, line in enumerate(text[:-1].split("\n"), start=1):
        try:
            draft.take(line)
        except (PolicyError, NoteError) as exc:
            raise PolicyError(f"policy: cannot read line {number}: {exc}") from exc
    if draft.quorum is None:
        raise PolicyError("policy: cannot read: no quorum line")
    return LogPolicy(tuple(draft.logs), tuple(draft.witnesses), MappingProxyType(draft.groups), draft.quorum)


@dataclass(slots=True)
class _Draft:
    """The policy, as far as the lines were read."""

    logs: list[TrustedLog] = field(default_factory=list)
    witnesses: list[TrustedWitness] = field(default_factory=list)
    groups: dict[str, WitnessGroup] = field(default_factory=dict)
    quorum: str | None = None

    def take(self, line: str) -> None:
        if _CONTROL.search(line):
            raise PolicyError("a control character")
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            return
        match words:
            case ["log", vkey, *rest] if len(rest) < 2:
                self._log(Verifier.parse(vkey), *rest)
            case ["witness", name, vkey, *rest] if len(rest) < 2:
                self._witness(name, WitnessKey.parse(vkey), *rest)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, tuple(members))
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise PolicyError("not a log, witness, group or quorum line")

    def _log(self, key: Verifier, url: str | None = None) -> None:
        if key.key in {log.key.key for log in self.logs}:
            raise PolicyError("a log's key is listed twice")
        self.logs.append(TrustedLog(key, url))

    def _witness(self, name: str, key: WitnessKey, url: str | None = None) -> None:
        self._refuse_taken(name)
        if key.key in {witness.key.key for witness in self.witnesses}:
            raise PolicyError("a witness's key is listed twice")
        self.witnesses.append(TrustedWitness(name, key, url))

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        self._refuse_taken(name)
        for member in members:
            self._refuse_unknown(member)
        if len(set(members)) != len(members) or set(members) & set(self._members()):
            raise PolicyError("a member belongs to a group already")
        self.groups[name] = WitnessGroup(_threshold(threshold, len(members)), members)

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyError("a second quorum")
        if name != NONE:
            self._refuse_unknown(name)
        self.quorum = name

    def _members(self) -> chain[str]:
        return chain.from_iterable(group.members for group in self.groups.values())

    def _names(self) -> set[str]:
        return {witness.name for witness in self.witnesses} | self.groups.keys()

    def _refuse_taken(self, name: str) -> None:
        if name == NONE or name in self._names():
            raise PolicyError("the name is taken")

    def _refuse_unknown(self, name: str) -> None:
        if name not in self._names():
            raise PolicyError("a name that no line before has defined")


def _threshold(word: str, members: int) -> int:
    if word in {"all", "any"}:
        return members if word == "all" else 1
    if not _THRESHOLD.fullmatch(word) or int(word) > members:
        raise PolicyError("the threshold is not all, any or a number up to that of the members")
    return int(word)
