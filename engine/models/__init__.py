"""Base models: fetching with checksums, and loading.

Importing this package imports no torch: the word lists of the nano grammar are used by pages and tasks as well.
"""

from engine.models.fetch import fetch
from engine.models.load import load

__all__ = ["fetch", "load"]
