"""Who signed a paper, and when: by its certificates and time stamps, by the register, and by the signer's own clock, in this order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from casework.nda.papers.examination import Examination, Signature
from casework.nda.papers.pdf_seals import is_of_a_provider
from casework.nda.papers.signatories import says_whose
from connectors.names import fold_name
from connectors.nda.contract import PaperMatch
from connectors.nda.matching import names_of
from models.tables import PaperRuling
from models.vocabulary import ComparisonResult, Leaver

_TOKYO = ZoneInfo("Asia/Tokyo")


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """
    A paper with its match, a person's *ruling*, and the result of examining its bytes; *problem*: why they could not be fetched.
    *content*: the bytes.  *delivered*: its register is a signing service, which says itself that the paper was signed.
    """

    match: PaperMatch
    ruling: PaperRuling | None = None
    examined: Examination | None = None
    problem: str | None = None
    content: bytes | None = field(default=None, repr=False)
    delivered: bool = False


def signatures(held: HeldPaper) -> tuple[Signature, ...]:
    """Return the verified signatures in the paper's bytes."""
    return held.examined.signatures if held.examined is not None else ()


def digests(examined: Examination) -> frozenset[str]:
    """Return the digests of the bytes, with and without the last seals: a service seals anew at each download."""
    return frozenset({examined.sha256, *(one.over_sha256 for one in examined.signatures if one.over_sha256)})


def of_persons(held: HeldPaper, leaver: Leaver | None) -> list[tuple[Signature, ComparisonResult]]:
    """
    Return the signatures of persons, each with whether its certificate names the leaver.

    A company's name that is exactly the leaver's (Atasha Co) is the leaver's.  A person's ruling on the paper outweighs a contradiction.
    """
    if leaver is None:
        return [(one, ComparisonResult.NEITHER) for one in signatures(held) if one.kind == "person"]
    known = names_of(leaver)
    found = [
        (one, says_whose(leaver, one.signer))
        for one in signatures(held)
        if one.kind == "person" or (one.kind == "seal" and fold_name(one.signer) in known)
    ]
    return [
        (one, ComparisonResult.NEITHER if held.ruling and says is ComparisonResult.CONTRADICTION else says)
        for one, says in found
    ]


def certified_for_others(held: HeldPaper, leaver: Leaver | None) -> list[str]:
    """
    Return the names in the certificates of persons' signatures, if every one is another person's; else nothing.

    An untrusted certificate counts here too: it proves no name, but nobody signs for the leaver under another name.  One signature
    that may be the leaver's is enough for none to be returned.
    """
    persons = of_persons(held, leaver)
    if {says for _, says in persons} != {ComparisonResult.CONTRADICTION}:
        return []
    return sorted({one.signer for one, _ in persons})


def sealed_by_no_provider(held: HeldPaper, leaver: Leaver | None) -> list[str]:
    """
    Return the names in the seals of a paper that no person signed, if none is a signing service's: an employer's, an office's.

    Nothing is returned for a paper in a signing service, which says itself that it was signed, or after a person's ruling.
    """
    seals = [one for one in signatures(held) if one.kind == "seal"]
    if (
        held.delivered
        or held.ruling is not None
        or of_persons(held, leaver)
        or any(is_of_a_provider(one.signer) for one in seals)
    ):
        return []
    return sorted({one.signer for one in seals})


def proof(held: HeldPaper, leaver: Leaver | None) -> str:
    """
    Return in one word what the bytes prove: `verified` (a trusted certificate names the leaver), `unnamed` (a trusted one does not),
    `untrusted`, `sealed` (by a company or service alone), `stamped` (by a time alone), `none` or `broken`; empty without readable bytes.
    """
    if held.examined is None or not held.examined.readable:
        return ""
    if held.examined.altered:
        return "broken"
    persons, kinds = of_persons(held, leaver), {one.kind for one in signatures(held)}
    if not persons:
        return "sealed" if "seal" in kinds else "stamped" if kinds else "none"
    trusted = {says for one, says in persons if one.trusted}
    if ComparisonResult.FACT in trusted:
        return "verified"
    return "unnamed" if trusted and all(says is not ComparisonResult.FACT for _, says in persons) else "untrusted"


def signed_on(held: HeldPaper, leaver: Leaver | None) -> date | None:
    """
    Return the day in Japan on which the leaver signed: by the trusted time of their own signature, else by the register, else by
    the claimed time of their signature.  Other signatures, seals or stamps never make it later; a later trusted stamp shows that it
    was there before.
    """
    own = own_signatures(held, leaver)
    stamps = [one.timestamped_at for one in own if one.trusted and one.timestamped_at is not None]
    if stamps:
        return day_in_japan(min(stamps))
    claimed = [one.claimed_at for one in own if one.claimed_at is not None]
    day = held.match.paper.signed_on or (day_in_japan(max(claimed)) if claimed else None)
    before = there_on(held, leaver)
    return min(day, before) if day is not None and before is not None else day


def there_on(held: HeldPaper, leaver: Leaver | None) -> date | None:
    """Return the first day on which a trusted time stamp shows the leaver's signature, or a paper without one, to exist."""
    every, own = signatures(held), own_signatures(held, leaver)
    since = every.index(own[0]) if own else max(len(every) - 1, 0)
    stamps = [one.timestamped_at for one in every[since:] if one.timestamped_at is not None and one.intact]
    return day_in_japan(min(stamps)) if stamps else None


def own_stamps(held: HeldPaper, leaver: Leaver | None) -> list[datetime]:
    """Return the trusted times of the leaver's own signatures."""
    return [one.timestamped_at for one in own_signatures(held, leaver) if one.timestamped_at is not None]


def own_signatures(held: HeldPaper, leaver: Leaver | None) -> list[Signature]:
    """Return the signatures with the leaver's name; without any, the only one that may be theirs."""
    persons = of_persons(held, leaver)
    named = [one for one, says in persons if says is ComparisonResult.FACT]
    maybe = [one for one, says in persons if says is ComparisonResult.NEITHER]
    return named or (maybe if len(maybe) == 1 else [])


def day_in_japan(at: datetime) -> date:
    """Return the day of *at* in Japan; for a forged time at the ends of the calendar, its own day."""
    try:
        return at.astimezone(_TOKYO).date()
    except OverflowError:
        return at.date()
