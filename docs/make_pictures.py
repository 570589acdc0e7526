"""The pictures and pages of guide and gallery, made when the site is built.

conf.py calls :func:`draw`; ``python docs/make_pictures.py`` does so by hand. Each plot
is drawn for a light and for a dark page.
"""

import runpy
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from textwrap import indent

import matplotlib as mpl
import numpy as np
from _ext.gallery import text_and_code
from matplotlib import pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Evaluation, compare, decompose, kl_divergence
from xent_metrics.plotting import kl_curve

STYLES = {"light": "default", "dark": "dark_background"}


def draw(docs: Path) -> None:
    """Write what git ignores: pictures, pages of reports and of examples."""
    bayes, logistic = _evaluations()
    comparison = compare({"bayes": bayes, "logistic": logistic})
    _pictures(
        docs / "guide" / "pictures",
        {
            "waterfall": lambda: bayes.plot("waterfall"),
            "reliability": lambda: bayes.plot("reliability"),
            "by_class": lambda: bayes.plot("by_class"),
            "models": comparison.plot,
            "kl_curve": kl_curve,
            "intervals": _intervals,
        },
    )
    scripts = sorted((docs / "gallery" / "plots").glob("*.py"))
    _pictures(
        docs / "gallery" / "pictures",
        {one.stem: partial(runpy.run_path, str(one)) for one in scripts},
    )
    extra = docs / "_extra"
    extra.mkdir(exist_ok=True)
    bayes.write_html(extra / "first_report.html", title="Naive Bayes, breast cancer")
    for example in sorted((docs.parent / "examples").glob("[0-9]*.py")):
        _page_of_example(example, docs / "gallery" / "examples")


def _pictures(folder: Path, plots: dict[str, Callable[[], object]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, plot in plots.items():
        for page, style in STYLES.items():
            with plt.style.context([style, {"svg.hashsalt": name}]):
                plot()
                plt.savefig(
                    folder / f"{name}_{page}.svg",
                    transparent=True,
                    bbox_inches="tight",
                    metadata={"Date": None},
                )
                plt.close("all")


def _page_of_example(example: Path, folder: Path) -> None:
    """An example as a page: its docstring, how to run it, and its code."""
    text, code = text_and_code(example)
    title, _, rest = text.partition("\n\n")
    title = title.removesuffix(".")
    lines = [
        *(title, "=" * len(title), "", rest, ""),
        *(f"In a clone: ``python examples/{example.name}``.", ""),
        *(".. code-block:: python", "", indent(code, "    "), ""),
    ]
    folder.mkdir(exist_ok=True)
    (folder / f"{example.stem}.rst").write_text("\n".join(lines), "utf-8")


def _intervals() -> None:
    """Draw the intervals of "How it is estimated", those that miss the truth apart."""
    truth, found = _samples()
    _, ax = plt.subplots(figsize=(6.4, 3.2))
    for place, (value, low, high) in enumerate(sorted(found)):
        held = low < truth < high
        style = {"color": "C0", "lw": 1} if held else {"color": "C1", "lw": 2}
        ax.plot([place, place], [low, high], **style)
        ax.plot(place, value, ".", color=style["color"])
    ax.axhline(truth, color="0.5", ls="--")
    ax.set_xticks([])
    ax.set(xlabel="100 samples of 1,000 rows", ylabel="miscalibration (nats)")
    ax.set_title("95% intervals; dashed: the truth", loc="left", fontsize="medium")


@cache
def _samples() -> tuple[float, list[tuple[float, float, float]]]:
    """The true miscalibration, and estimates with their intervals."""

    def sample(n: int, seed: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(seed)
        z = rng.normal(scale=2, size=n)
        true = 1 / (1 + np.exp(-z / 2))
        return true, 1 / (1 + np.exp(-z)), (rng.uniform(size=n) < true).astype(int)

    p, q, _ = sample(1_000_000, 0)
    found = []
    for seed in range(100):
        _, predicted, y = sample(1000, seed)
        d = decompose(y, predicted)
        found.append((d.miscalibration, *d.ci()["miscalibration"]))
    return kl_divergence(np.c_[1 - p, p], q), found


def _evaluations() -> list[Evaluation]:
    """The two models of "Your first report", on its held-out rows."""
    data = load_breast_cancer(as_frame=True)
    y = data.target.map(dict(enumerate(data.target_names)))
    X_train, X_test, y_train, y_test = train_test_split(  # noqa: N806 - scikit-learn's
        data.data, y, test_size=0.5, stratify=y, random_state=0
    )
    models = GaussianNB(), make_pipeline(StandardScaler(), LogisticRegression())
    return [
        Evaluation.from_estimator(model.fit(X_train, y_train), X_test, y_test)
        for model in models
    ]


if __name__ == "__main__":
    mpl.use("Agg")
    draw(Path(__file__).parent)
