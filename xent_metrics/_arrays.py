"""Arrays of other libraries as numpy's: tensors, and what follows the Array API."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_numpy(data: Any, name: str) -> Any:
    """A tensor or an array of the Array API as a numpy array; all else as it is.

    A tensor that requires a gradient is detached, one of another device is copied, and
    a type that numpy lacks (bfloat16) becomes single precision: every value is kept.
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    try:
        if hasattr(data, "detach") and hasattr(data, "numpy"):  # a tensor of torch
            data = data.detach().cpu()
            return (
                data.float() if str(data.dtype).endswith("bfloat16") else data
            ).numpy()
        if hasattr(data, "__array_namespace__"):
            return np.asarray(data)
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        found = f"{type(data).__name__} on {getattr(data, 'device', 'another device')}"
        msg = (
            f"{name} must be readable by numpy: found {found}; pass a dense copy on "
            "the CPU."
        )
        raise ValueError(msg) from None
    return data
