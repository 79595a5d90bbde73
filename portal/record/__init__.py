"""
The record of a case as auditors read it: one self-contained page, the same as PDF, and the folder's two READMEs.

    composing, drawing    the case's sections, and those that only a record has; the timeline
    pages, sealing    HTML, PDF/A and plain text; a seal on the PDF
"""
