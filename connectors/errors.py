"""
What may go wrong at a vendor: one class for each different reaction.

Messages read *who: cannot verb phrase: vendor's code* and name ids, never addresses, tokens or query values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from models.vocabulary import Evidence


def storable(text: str) -> str:
    """Return a vendor's *text* as any file and database can hold it: without lone surrogates and NUL characters."""
    return text.encode(errors="replace").decode().replace("\0", "?")


class ConnectorError(Exception):
    """The base.  *evidence* holds the exchanges that led here; *code* the vendor's own word, unchanged."""

    remedy: ClassVar[str] = "Read the vendor's code, then run the case again."

    def __init__(
        self, message: str, *, code: str | None = None, evidence: Iterable[Evidence] = (), remedy: str | None = None
    ) -> None:
        super().__init__(storable(message))
        self.code = code
        self.evidence = tuple(evidence)
        self._remedy = remedy

    @property
    def advice(self) -> str:
        """What to do: the error's own sentence, else its class's."""
        return self._remedy if self._remedy is not None else type(self).remedy

    def copied(self) -> Self:
        """Return another one that says the same, to be changed by one of several who share this one."""
        kind = type(self)
        other = kind.__new__(kind, *self.args)
        other.__dict__.update(self.__dict__)
        return other

    def rest_on(self, evidence: Iterable[Evidence]) -> None:
        """Put *evidence* before the error's own exchanges, each exchange once."""
        self.evidence = tuple(dict.fromkeys((*evidence, *self.evidence)))

    def reword(self, words: Callable[[str], str]) -> None:
        """Replace message and remedy by what *words* returns for each."""
        self.args = (words(str(self)),)
        self._remedy = words(self.advice)


class Throttled(ConnectorError):
    """The vendor asks to wait; nothing was done.  *retry_after* is the wait that it asks for, None if it does not say."""

    remedy = "Wait; the sweep looks again. If it recurs, ask the vendor for quota or lower the case load."

    def __init__(self, message: str, *, retry_after: timedelta | None = None, **kwargs: object) -> None:
        super().__init__(message, **kwargs)  # type: ignore[arg-type]  # the base's own keywords
        self.retry_after = retry_after


class Unreachable(ConnectorError):
    """No answer, or a 5xx, to a read, or to a write that surely was not carried out."""

    remedy = "Check the network and the vendor's status page; the sweep looks again."


class OutcomeUnknown(ConnectorError):
    """No answer, or a 5xx, to a write that may have been carried out.  Read back."""

    remedy = "Nothing to do by hand: the next read decides whether it took effect."


class Denied(ConnectorError):
    """Our credential, its scope or its role does not allow this call."""

    remedy = "Grant the missing scope or role (`lastday doctor` names it), then run the case again."


class NotConfigured(ConnectorError):
    """A setting of the service is missing or cannot be used."""

    remedy = "Set it in .env (see .env.example); `lastday doctor` lists what is missing."


class NotOnPlan(ConnectorError):
    """The tenant's plan has no such call."""

    remedy = "Do the step by hand and attest it, or settle it for the tenant with a standing waiver."


class NotRecorded(ConnectorError):
    """The tenant's auditing is off: there is nothing to read, which does not mean that nothing happened."""

    remedy = "Switch the tenant's auditing on for those who will leave later; for this window the log does not exist."


class CursorExpired(ConnectorError):
    """The vendor no longer knows the cursor or the search: begin the reading again.  Records read before are kept."""

    remedy = "Nothing to do by hand: the reading begins again, and records that come twice are told apart."


class Unintelligible(ConnectorError):
    """An answer that we do not understand.  What it was about counts as still open."""

    remedy = "Keep the evidence and report the answer's shape; until then check the account by hand."
