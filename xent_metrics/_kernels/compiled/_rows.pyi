from typing import Any

sources: str

def levels() -> tuple[str, ...]: ...
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
