"""
The record of a case as people read it: one self-contained page, the same as PDF, and the folder's two READMEs.

    words       the glossary's Japanese, and the sentences of the record
    document    what page and PDF have in common: sections of facts, tables and pictures
    person, access, papers, proof    the sections, by what they tell
    drawing     the timeline
    page, printing, readme    HTML, PDF/A, plain text

Content is made once (`document`), so that page and PDF cannot tell different things.
"""

from casework.record.facts import Facts, Proof
from portal.record.composing import compose
from portal.record.document import Document
from portal.record.page import page
from portal.record.printing import pdf
from portal.record.readme import readmes

__all__ = ["Document", "compose", "page", "pages", "pdf", "readmes"]


def pages(facts: Facts, known: Proof) -> dict[str, bytes]:
    """Return every page of a bundle by its name: the record as page and PDF, and the two READMEs."""
    document = compose(facts, known)
    return {"record.html": page(document), "record.pdf": pdf(document), **readmes(facts, known)}
