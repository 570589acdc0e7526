"""Ensembles: what averaging their members gains."""

from ._decompose import decompose_ensemble
from ._decomposition import EnsembleDecomposition

__all__ = ["EnsembleDecomposition", "decompose_ensemble"]
