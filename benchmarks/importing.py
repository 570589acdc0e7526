"""Importing xent_metrics beside importing pandas: CPU time of whole processes.

python benchmarks/importing.py
"""

import os
import statistics
import subprocess
import sys


def seconds(module: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    seconds("xent_metrics")
    pairs = [(seconds("xent_metrics"), seconds("pandas")) for _ in range(15)]
    ours, pandas = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print("| work | peer | ours | peer's | ratio |\n|---|---|---|---|---|")
    print(f"| import | pandas | {ours:.3f} s | {pandas:.3f} s | {ratio:.2f}x |")


if __name__ == "__main__":
    main()
