"""
The words of the house: enums and frozen values, without I/O.

Every word stands in `docs/glossary.md`; a test holds the enums to it.
"""

from models.vocabulary.access import *
from models.vocabulary.cases import *
from models.vocabulary.traces import *
from models.vocabulary.values import *
