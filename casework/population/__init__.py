"""
The population of a period: every departure that HR reported, held against every case and what was seen closed.

    facts       the values: entries, differences, the tie-out
    counting    read from tables and trail
    comparing   HR's own extract, row by row
    sampling    a sample that anybody can draw again
    sheet       CSV for a spreadsheet, and the signed statement about it
"""

from casework.population.comparing import Extract, compare
from casework.population.counting import count, tell
from casework.population.facts import Difference, Entry, Population, Sample
from casework.population.sampling import draw
from casework.population.sheet import attest, sheet

__all__ = [
    "Difference",
    "Entry",
    "Extract",
    "Population",
    "Sample",
    "attest",
    "compare",
    "count",
    "draw",
    "sheet",
    "tell",
]
