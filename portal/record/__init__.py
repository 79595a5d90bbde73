"""
The record of a case as auditors read it: one self-contained page, the same as PDF, and the folder's two READMEs.

    composing, drawing    the case's sections, and those that only a record has; the timeline
    page, printing    HTML and plain text, PDF/A
    sealing    a seal on the PDF
"""

from casework.record.facts import Facts, Proof
from portal.record.composing import compose
from portal.record.page import page, readmes
from portal.record.printing import pdf

__all__ = ["compose", "page", "pages", "pdf"]


def pages(facts: Facts, known: Proof) -> dict[str, bytes]:
    """Return every page of a bundle by its name: the record as page and PDF, and the two READMEs."""
    document = compose(facts, known)
    return {"record.html": page(document), "record.pdf": pdf(document), **readmes(facts, known)}
