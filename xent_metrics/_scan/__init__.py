"""Data that is read part by part: states that merge, and Parquet files."""

from ._accumulate import accumulate
from ._finish import finish
from ._merge import merge
from ._scan import SkippedPartWarning, scan
from ._state import ScanState

__all__ = [
    "ScanState",
    "SkippedPartWarning",
    "accumulate",
    "finish",
    "merge",
    "scan",
]
