"""What an installation is made of: printed for a report of a bug."""

from __future__ import annotations

import platform
import sys

from .._kernels.compiled.compiled_pass import loaded
from .._pickling import public

_LIBRARIES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "narwhals", "joblib"),
    *("threadpoolctl", "tqdm", "pyarrow", "polars", "matplotlib", "jinja2", "mlflow"),
)


@public
def show_versions() -> None:
    """Print versions, how the kernels run, and which BLAS numpy uses.

    The kernels are compiled for the instruction set that is named, or numpy's, with the
    reason. A report of a bug should hold what this prints.

    Examples
    --------
    >>> import xent_metrics
    >>> xent_metrics.show_versions()
    xent-metrics: ...
    python: ...
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    from threadpoolctl import threadpool_info  # noqa: PLC0415

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "not installed"

    kernels = f"compiled, {loaded.level}"
    if loaded.module is None:
        kernels = f"numpy's, as there are no compiled ones: {loaded.why_not}"
    lines = [
        f"xent-metrics: {of('xent-metrics')}",
        f"python: {sys.version.split()[0]} on {platform.platform()}",
        f"kernels: {kernels}",
        *(f"{name}: {of(name)}" for name in _LIBRARIES),
    ]
    for pool in threadpool_info():
        parts = (pool["internal_api"], pool["version"], pool.get("architecture"))
        name, threads = " ".join(filter(None, parts)), pool["num_threads"]
        lines.append(f"{pool['user_api']}: {name}, {threads} threads")
    sys.stdout.write("\n".join(lines) + "\n")
