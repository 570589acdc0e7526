"""Where the command line starts: ``xent-metrics``, or ``python -m xent_metrics``."""

from __future__ import annotations

import importlib.util
import sys

_NEEDED = ("typer", "rich", "pyarrow")


def main() -> None:
    """Run the command line; one line where its libraries are not installed."""
    absent = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        sys.stderr.write(
            "xent-metrics: the command line needs the extra 'cli': "
            f"{absent[0]} is not installed; pip install 'xent-metrics[cli]'.\n"
        )
        sys.exit(2)
    from ._cli.app import app  # noqa: PLC0415 - typer is an extra

    app(prog_name="xent-metrics")


if __name__ == "__main__":
    main()
