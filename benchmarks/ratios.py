"""All ratios to peers and bounds in one table, each measured now.

    python benchmarks/ratios.py                 # the first table of README.md
    python benchmarks/ratios.py FOLDER          # with the data that scale.py made there
    python benchmarks/ratios.py --only scoring  # one script's

The scripts run one after the other, as ratios want an idle machine: about twenty
minutes. What they print in full stands below the table in README.md.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = ("kernels", "frames", "scoring", "tracking", "importing")
BOUNDS = ("at least", "at most", "wanted")


def tables(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The head and the cells of each row of the Markdown tables in a text."""
    head: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            head = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if head is None:
            head = cells
        elif not set(line) <= set("|-: "):
            yield head, cells


def ratios(head: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
    """Each ratio of a row, with the bound that stands beside it."""
    for place, name in enumerate(head):
        if name != "ratio" or not cells[place]:
            continue
        bound = head[place + 1] if place + 1 < len(head) else ""
        wanted = cells[place + 1] if bound in BOUNDS else ""
        if wanted and bound != "wanted":
            wanted = f"{bound} {wanted}"
        yield cells[place], wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="a dataset that scale.py made")
    parser.add_argument("--only", default="", help="scripts whose name holds this text")
    given = parser.parse_args()
    commands = [[name] for name in SCRIPTS]
    if given.folder:
        commands.append(["scale", "time", given.folder])
    print("| script | work | against | ratio | wanted |\n|---|---|---|---|---|")
    for name, *more in commands:
        if given.only not in name:
            continue
        done = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), *more],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"| {name} | failed: {done.stderr.strip().splitlines()[-1]} | | | |")
        for head, cells in tables(done.stdout):
            peer = cells[head.index("peer")] if "peer" in head else ""
            peers = iter([peer] if peer else ["one read pass", "a loop in C"])
            for ratio, wanted in ratios(head, cells):
                against = next(peers) if name == "kernels" else peer
                print(f"| {name} | {cells[0]} | {against} | {ratio} | {wanted} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
