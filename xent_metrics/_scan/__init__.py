"""Data that is read part by part: states that merge, and Parquet files."""

from ._accumulate import accumulate
from ._finish import finish
from ._scan import SkippedPartWarning, scan
from ._state import ScanState, merge

__all__ = [
    "ScanState",
    "SkippedPartWarning",
    "accumulate",
    "finish",
    "merge",
    "scan",
]
