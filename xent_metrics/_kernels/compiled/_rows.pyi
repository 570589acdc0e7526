from typing import Any

sources: str

def levels() -> tuple[str, ...]: ...
def cells(
    codes: Any,
    weights: Any,
    values: tuple[Any, ...],
    n: Any,
    weight: Any,
    weight2: Any,
    mean: Any,
    mean2: Any,
    scatter: Any,
    /,
) -> None: ...
def use(level: str, /) -> None: ...
def run(
    predicted: Any,
    target: Any,
    codes: Any,
    active: Any,
    out: tuple[Any, ...],
    odd: Any,
    start: int,
    stop: int,
    tolerances: tuple[float, float],
    clip: float,
    /,
) -> tuple[int, int]: ...
