"""
The record of a case as auditors read it: one self-contained page, the same as PDF, and the folder's two READMEs.

    composing    the case's sections, and those that only a record has
    course, drawing, proof    what the trail tells, the timeline, how a reader checks it
    page, printing, readme    HTML, PDF/A, plain text
    sealing    a seal on the PDF
"""

from casework.record.facts import Facts, Proof
from portal.record.composing import compose
from portal.record.page import page
from portal.record.printing import pdf
from portal.record.readme import readmes

__all__ = ["compose", "page", "pages", "pdf", "readmes"]


def pages(facts: Facts, known: Proof) -> dict[str, bytes]:
    """Return every page of a bundle by its name: the record as page and PDF, and the two READMEs."""
    document = compose(facts, known)
    return {"record.html": page(document), "record.pdf": pdf(document), **readmes(facts, known)}
