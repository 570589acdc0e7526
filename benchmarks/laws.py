"""Laws of predictions and labels whose miscalibration is known.

A law draws predictions Q and knows the law c(Q) of the label given the prediction, so
E KL(c(Q)||Q), what a decomposition is to find, is an average without labels.

Laws written by hand are here; those of trained models are in models.py.

    python benchmarks/laws.py    # the laws and what is true of them
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Table = np.ndarray
Generator = np.random.Generator

DRAWS = 4_000_000
VALUES = 40_000_000  # DRAWS of up to 10 classes; fewer of more
CLIP = 2.0**-52  # the default floor of probabilities in a logarithm
DISPERSION = 4.0  # of the annotators' distributions of rows that share a prediction


def same(q: Table) -> Table:
    """The rows are the predictions."""
    return q


class Law(NamedTuple):
    """Predictions, and the law of the label given a prediction.

    Rows are drawn; ``labels`` maps them to the laws of their labels and ``model`` to
    predictions. Rows are the predictions themselves where there is no model. With
    ``votes`` each row has so many labels, of annotators who agree on average only.
    """

    name: str
    n_classes: int
    rows: Callable[..., np.ndarray]
    labels: Callable[[np.ndarray], Table]
    model: Callable[[np.ndarray], Table] = same
    votes: int = 0

    @property
    def title(self) -> str:
        """The name with the number of classes."""
        return f"{self.name}, K = {self.n_classes}"

    @property
    def calibrated(self) -> bool:
        """Whether predictions are the law of the label."""
        return self.labels is calibrated

    def draw(self, rng: Generator, n: int) -> tuple[Table, Table]:
        """Predictions and laws of their labels, both of shape (n, K)."""
        rows = self.rows(rng, n, self.n_classes)
        return self.model(rows), self.labels(rows)

    def targets(self, rng: Generator, c: Table) -> np.ndarray:
        """One label per row from its law; counts of shape (n, K) where rows have votes.

        Each row's annotators draw from a Dirichlet distribution around the law.
        """
        if not self.votes:
            return draw_labels(rng, c)
        p = rng.standard_gamma(DISPERSION * c)
        return rng.multinomial(self.votes, p / p.sum(axis=1, keepdims=True))


class Facts(NamedTuple):
    """What is true of a law."""

    miscalibration: float
    refinement: float
    resolution: float
    error: float
    deviation: float
    accuracy: float
    rarest: float


def softmax(logits: Table) -> Table:
    """Rows of probabilities of rows of logits."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


# Predictions: (rng, n, k) -> q


def gaussian(
    rng: Generator, n: int, k: int, *, sd: float, centre: ArrayLike = 0
) -> Table:
    """Gaussian logits around the same centre for every row."""
    return softmax(centre + sd * rng.standard_normal((n, k)))


def peaked(rng: Generator, n: int, k: int, *, top: float, sd: float = 1.5) -> Table:
    """One class, each as often, stands out by ``top`` on the scale of logits."""
    logits = sd * rng.standard_normal((n, k))
    logits[np.arange(n), rng.integers(k, size=n)] += top
    return softmax(logits)


def dirichlet(rng: Generator, n: int, k: int, *, concentration: float) -> Table:
    """Rows of a symmetric Dirichlet distribution, none below 1e-4."""
    q = rng.dirichlet(np.full(k, concentration), size=n) + 1e-4
    return q / q.sum(axis=1, keepdims=True)


def twelfths(rng: Generator, n: int, _k: int) -> Table:
    """Twelve forecasts of two classes, those of the middle more often."""
    odds = np.exp(-(np.linspace(-1.2, 1.2, 12) ** 2))
    p = rng.choice(np.arange(1, 13) / 13, size=n, p=odds / odds.sum())
    return np.column_stack([1 - p, p])


def leaves(rng: Generator, n: int, k: int, *, count: int) -> Table:
    """Few distinct rows, as the leaves of a tree predict."""
    rows = gaussian(np.random.default_rng(count), count, k, sd=2.0)
    return rows[rng.integers(count, size=n)]


def two_populations(rng: Generator, n: int, _k: int) -> Table:
    """Cautious predictions in one half of the rows, bold ones in the other."""
    bold = rng.random(n) < 0.5
    logit = rng.standard_normal(n) * np.where(bold, 3.0, 0.8) + np.where(bold, 1.0, -1)
    return softmax(np.column_stack([np.zeros(n), logit]))


# Labels: q -> c


def calibrated(q: Table) -> Table:
    """Labels follow the predictions."""
    return q


def linear(q: Table, *, slope: ArrayLike = 1.0, bias: ArrayLike = 0.0) -> Table:
    """A slope and a bias, common or one a class, on the scale of logits."""
    return softmax(slope * np.log(q) + bias)


def matrix(q: Table, *, spread: float, seed: int) -> Table:
    """Every class's logit moves with those of all others."""
    rng, k = np.random.default_rng(seed), q.shape[1]
    slopes = 0.85 * np.eye(k) + spread * rng.standard_normal((k, k))
    log_q = np.log(q)
    centred = log_q - log_q.mean(axis=1, keepdims=True)
    return softmax(centred @ slopes + 0.2 * rng.standard_normal(k))


def wave(q: Table, *, height: float, frequency: float = 1.6) -> Table:
    """Higher predictions are not always likelier: a wave on the scale of logits."""
    log_q = np.log(q)
    return softmax(log_q + height * np.sin(frequency * log_q))


def prelec(q: Table, *, power: float) -> Table:
    """Prelec's (1998) curve of subjective probability, in each class."""
    odds = np.exp(-((-np.log(q)) ** power))
    return odds / odds.sum(axis=1, keepdims=True)


def sure_is_wrong(q: Table, *, loss: float) -> Table:
    """The surer a prediction, the more over-confident it is."""
    return linear(q, slope=1 - loss * q.max(axis=1, keepdims=True) ** 2)


def noise(q: Table, *, share: float = 0.1) -> Table:
    """A share of the labels is drawn at random."""
    return (1 - share) * q + share / q.shape[1]


def neighbours(q: Table, *, next_one: float, one_before: float) -> Table:
    """Labels are mistaken for those of neighbouring classes."""
    stay = 1 - next_one - one_before
    return stay * q + next_one * np.roll(q, 1, 1) + one_before * np.roll(q, -1, 1)


def populations_mixed(q: Table) -> Table:
    """Calibrated where cautious, at temperature 2 where bold; Bayes says which."""
    logit = np.log(q[:, 1] / q[:, 0])
    cautious = np.exp(-(((logit + 1) / 0.8) ** 2) / 2) / 0.8
    bold = np.exp(-(((logit - 1) / 3.0) ** 2) / 2) / 3.0
    share = (bold / (bold + cautious))[:, None]
    return share * linear(q, slope=0.5) + (1 - share) * q


def _bias(k: int, size: float) -> Table:
    """Biases of mean 0, alternating in sign."""
    return np.linspace(0.5, 1.0, k) * np.resize([size, -size], k)


def _first(k: int, value: float) -> Table:
    """A value for the first class, 0 for all others."""
    return np.eye(k)[0] * value


TWO_CLASSES = [
    Law("calibrated", 2, partial(gaussian, sd=1.5), calibrated),
    Law("over-confident", 2, partial(gaussian, sd=2.0), partial(linear, slope=0.6)),
    Law("under-confident", 2, partial(gaussian, sd=1.0), partial(linear, slope=1.7)),
    Law("shifted", 2, partial(peaked, top=3.0), partial(linear, bias=[0.3, -0.3])),
    Law(
        "rare class",
        2,
        partial(gaussian, sd=1.0, centre=[2.0, -2.0]),
        partial(linear, slope=0.9, bias=[1.0, 0.0]),
    ),
    Law("tied", 2, twelfths, partial(linear, slope=0.7, bias=[0.0, 0.3])),
    Law("non-monotone", 2, partial(gaussian, sd=1.5), partial(wave, height=0.8)),
    Law("non-linear", 2, partial(gaussian, sd=1.5), partial(prelec, power=0.65)),
    Law("label noise", 2, partial(peaked, top=4.0), noise),
    Law("two populations", 2, two_populations, populations_mixed),
]

SEVERAL_CLASSES = [
    Law("calibrated", 4, partial(gaussian, sd=2.0), calibrated),
    Law("calibrated", 10, partial(peaked, top=6.0), calibrated),
    Law("over-confident", 3, partial(gaussian, sd=3.0), partial(linear, slope=0.6)),
    Law("over-confident", 10, partial(peaked, top=8.0), partial(linear, slope=0.65)),
    Law(
        "shifted",
        5,
        partial(gaussian, sd=1.5),
        partial(linear, bias=_bias(5, size=0.5)),
    ),
    Law(
        "shifted", 8, partial(peaked, top=6.0), partial(linear, bias=_bias(8, size=0.6))
    ),
    Law(
        "rare class",
        3,
        partial(gaussian, sd=1.5, centre=_first(3, -3.5)),
        partial(linear, slope=0.8, bias=_first(3, -0.8)),
    ),
    Law(
        "rare class",
        8,
        partial(gaussian, sd=2.5, centre=_first(8, -2.0)),
        partial(linear, slope=0.85, bias=_first(8, -0.8)),
    ),
    Law("tied", 4, partial(leaves, count=24), partial(linear, slope=0.7)),
    Law("tied", 9, partial(leaves, count=60), partial(linear, bias=_bias(9, size=0.4))),
    Law("non-monotone", 4, partial(gaussian, sd=2.0), partial(wave, height=0.8)),
    Law("non-monotone", 9, partial(peaked, top=6.0), partial(wave, height=0.8)),
    Law(
        "non-linear",
        4,
        partial(dirichlet, concentration=0.5),
        partial(prelec, power=0.75),
    ),
    Law("non-linear", 10, partial(peaked, top=7.0), partial(sure_is_wrong, loss=0.35)),
    Law("label noise", 4, partial(peaked, top=5.0), noise),
    Law("label noise", 10, partial(gaussian, sd=2.5), noise),
    Law(
        "neighbours",
        4,
        partial(dirichlet, concentration=0.5),
        partial(neighbours, next_one=0.08, one_before=0.04),
    ),
    Law(
        "neighbours",
        10,
        partial(peaked, top=5.5),
        partial(neighbours, next_one=0.05, one_before=0.02),
    ),
    Law(
        "slopes",
        3,
        partial(gaussian, sd=2.0),
        partial(linear, slope=np.array([0.5, 0.8, 1.1]), bias=_first(3, 0.3)),
    ),
    Law("matrix", 8, partial(gaussian, sd=2.0), partial(matrix, spread=0.08, seed=8)),
]


def draw_labels(rng: Generator, c: Table) -> np.ndarray:
    """One label per row, from its law."""
    below = np.cumsum(c, axis=1) < rng.random((len(c), 1)) * c.sum(
        axis=1, keepdims=True
    )
    return below.sum(axis=1).clip(max=c.shape[1] - 1)


def log_ratio(c: Table, q: Table) -> Table:
    """The logarithm of c / q; predictions have a floor, as in a decomposition."""
    tiny = np.finfo(np.float64).tiny
    return np.log(np.maximum(c, tiny)) - np.log(np.maximum(q, CLIP))


def oracle(targets: np.ndarray, q: Table, c: Table) -> float:
    """The miscalibration found in a sample by one who knows c."""
    ratios = log_ratio(c, q)
    if targets.ndim == 1:
        return float(ratios[np.arange(len(targets)), targets].mean())
    return float(np.sum(targets * ratios) / targets.sum())


def facts(law: Law, n_draws: int = DRAWS, seed: int = 0) -> Facts:
    """Averages over many draws: miscalibration with its error, and what else counts.

    The deviation is that of one row of the oracle, with one label.
    """
    block = max(1, min(100_000, 1_000_000 // law.n_classes))
    rng = np.random.default_rng(seed)
    sums, share = np.zeros(5), np.zeros(law.n_classes)
    n_blocks = max(1, min(n_draws, VALUES // law.n_classes) // block)
    for _ in range(n_blocks):
        q, c = law.draw(rng, block)
        ratios = log_ratio(c, q)
        kl = np.sum(c * ratios, axis=1)
        right = c[np.arange(block), q.argmax(axis=1)]
        squares = np.sum(c * ratios**2)
        sums += [kl.sum(), kl @ kl, squares, right.sum(), entropies(c).sum()]
        share += c.sum(axis=0)
    n = n_blocks * block
    mean, square, ratio_square, accuracy, refinement = sums / n
    return Facts(
        miscalibration=mean,
        refinement=refinement,
        resolution=float(entropies(share / n)) - refinement,
        error=np.sqrt(max(square - mean**2, 0) / n),
        deviation=np.sqrt(max(ratio_square - mean**2, 0)),
        accuracy=accuracy,
        rarest=share.min() / n,
    )


def entropies(p: Table) -> np.ndarray:
    """The entropy of each row."""
    return -np.sum(p * np.log(np.maximum(p, np.finfo(np.float64).tiny)), axis=-1)


def show(laws: Iterable[Law]) -> None:
    """Print what is true of laws."""
    print("| law | miscalibration | +- | oracle's sd, n = 2000 | accuracy | rarest |")
    print("|---|---|---|---|---|---|")
    for law in laws:
        true = facts(law)
        print(
            f"| {law.title} | {true.miscalibration:.5f} | {true.error:.6f} | "
            f"{true.deviation / 2000**0.5:.4f} | {true.accuracy:.1%} | "
            f"{true.rarest:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    show(TWO_CLASSES + SEVERAL_CLASSES)
