"""The folder's two READMEs: plain text, for whoever opens it in ten years."""

from __future__ import annotations

from casework.record.facts import Facts, Proof
from portal.document import Clock
from portal.record.composing import warnings
from portal.record.page import TEMPLATES
from portal.record.proof import COMMANDS
from portal.words import Phrase, phrase


def readmes(facts: Facts, known: Proof) -> dict[str, bytes]:
    """Return README.ja.txt and README.en.txt.  They name the case, never the person."""
    clock = Clock(facts.view.departure.timezone)
    return {
        f"README.{language}.txt": TEMPLATES.get_template(f"README.{language}.txt")
        .render(
            facts=facts,
            known=known,
            commands=COMMANDS,
            erased_at=clock.text(facts.erased_at),
            state=_in(language, phrase(facts.view.state)),
            made_at=clock.text(facts.view.read_at),
            warnings=[_in(language, warning) for warning in warnings(facts, known)],
        )
        .encode()
        for language in ("ja", "en")
    }


def _in(language: str, both: Phrase) -> str:
    return both.ja if language == "ja" and both.ja else both.en
