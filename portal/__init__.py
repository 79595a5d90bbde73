"""
What is shown, drawn and printed: it tells what casework knows, and decides nothing.

    words, document    what page, print and terminal have in common
    sections    a case, by what its parts tell
    record      the folder that an auditor opens
    population  the sheet of a period
"""
