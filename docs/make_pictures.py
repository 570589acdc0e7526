"""The pictures and the report page of the guide, drawn when the site is built.

conf.py calls :func:`draw`; ``python docs/make_pictures.py`` does so by hand. Each plot
is drawn for a light and for a dark page.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xent_metrics import Evaluation, compare
from xent_metrics.plotting import kl_curve

STYLES = {"light": "default", "dark": "dark_background"}


def draw(docs: Path) -> None:
    """Write guide/pictures/ and _extra/, which git ignores."""
    bayes, logistic = _evaluations()
    comparison = compare({"bayes": bayes, "logistic": logistic})
    plots: dict[str, Callable[[], Axes]] = {
        "waterfall": lambda: bayes.plot("waterfall"),
        "reliability": lambda: bayes.plot("reliability"),
        "by_class": lambda: bayes.plot("by_class"),
        "models": comparison.plot,
        "kl_curve": kl_curve,
    }
    pictures = docs / "guide" / "pictures"
    pictures.mkdir(exist_ok=True)
    for name, plot in plots.items():
        for page, style in STYLES.items():
            with plt.style.context([style, {"svg.hashsalt": name}]):
                figure = plot().get_figure()
                plt.savefig(
                    pictures / f"{name}_{page}.svg",
                    transparent=True,
                    bbox_inches="tight",
                    metadata={"Date": None},
                )
                plt.close(figure)
    extra = docs / "_extra"
    extra.mkdir(exist_ok=True)
    bayes.write_html(extra / "first_report.html", title="Naive Bayes, breast cancer")


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
