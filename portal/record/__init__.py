"""The record of a case as auditors read it: one self-contained page, the same as PDF, and the folder's two READMEs."""
