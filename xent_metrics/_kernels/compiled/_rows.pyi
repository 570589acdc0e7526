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
def total(values: Any, /) -> float: ...
def softmax(z: Any, c: Any, log_sum: Any, n_rows: int, /) -> None: ...
def logarithms(numbers: Any, out: Any, /) -> None: ...
def cubes(x: Any, first: float, width: float, starts: Any, terms: Any, /) -> None: ...
def members(
    q: Any,
    weights: Any,
    codes: Any,
    target: Any,
    floor: float,
    columns: Any,
    costs: Any,
    entropies: Any,
    log_ratio: Any,
    odd: Any,
    /,
) -> int: ...
def use(level: str, /) -> None: ...
def run(
    predicted: Any,
    target: Any,
    codes: Any,
    active: Any,
    out: tuple[Any, ...] | None,
    odd: Any,
    start: int,
    stop: int,
    tolerances: tuple[float, float],
    clip: float,
    /,
) -> tuple[int, int, float]: ...
