"""
The vocabulary: enums and frozen values, without I/O.

Every word is in `docs/glossary.md`; a test compares the enums with it.
"""

from models.vocabulary.access import *
from models.vocabulary.activity_and_papers import *
from models.vocabulary.cases import *
from models.vocabulary.values import *
