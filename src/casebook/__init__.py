"""casebook: what a published case report prints, what it bounds, and how strong the evidence is.

Importing the package stays light; pandas, matplotlib and lifelines are loaded by the modules that use them.
"""

from casebook.bounds import Answer, Bounds
from casebook.errors import CasebookError, ChronologyError, DataError, Problem

__version__ = "0.1.0"

__all__ = ["Answer", "Bounds", "CasebookError", "ChronologyError", "DataError", "Problem", "__version__"]
