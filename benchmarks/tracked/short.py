"""What users wait for most often, over the commits of the repository.

    asv run --config benchmarks/asv.conf.json --python=same --quick
    asv continuous --config benchmarks/asv.conf.json main HEAD

The first runs each case once, in this environment; the second compares two commits.
Figures that are claimed come from the scripts beside this folder.
"""

import numpy as np

from xent_metrics import cross_entropy, decompose


class TwoClasses:
    """10,000 rows of an over-confident model."""

    def setup(self) -> None:
        """Draw the rows."""
        rng = np.random.default_rng(0)
        p = rng.uniform(0.02, 0.98, size=10_000)
        self.y = (rng.uniform(size=len(p)) < p).astype(int)
        self.q = p**2 / (p**2 + (1 - p) ** 2)

    def time_cross_entropy(self) -> None:
        """Time the mean loss."""
        cross_entropy(self.y, self.q)

    def time_decompose(self) -> None:
        """Time its terms, with the choice of the map."""
        decompose(self.y, self.q)

    def track_miscalibration(self) -> float:
        """Track a number that should stay as it is."""
        return decompose(self.y, self.q).miscalibration
