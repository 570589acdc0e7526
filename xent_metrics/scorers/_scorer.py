"""What all scorers share: options, metadata requests, evaluation."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable
from typing import Any, NoReturn, Self

from sklearn.utils.metadata_routing import MetadataRequest

from .._evaluation.evaluate import evaluate
from .._evaluation.evaluation import Evaluation
from .._evaluation.listeners import anyone_listens, tell
from ._options import Options
from ._outputs import Output, read_outputs
from ._values import scores

_PARAMS = ("sample_weight", "soft_labels")


class Scorer:
    """A callable of an estimator and data; it holds options and requests only."""

    __name__: str
    _shown = "scorer"  # in messages: it is called by no name of its class

    def __init__(self, options: Options) -> None:
        self.options = options
        self._requests: dict[str, bool | str | None] = dict.fromkeys(_PARAMS)

    @property
    def _score_func(self) -> NoReturn:
        """What a scorer of hard labels would have; some of scikit-learn asks for it."""
        msg = (
            f"{self.__name__} scores probabilities and has no function of hard labels, "
            "which is what TunedThresholdClassifierCV needs: tune the threshold by a "
            "metric of labels such as 'balanced_accuracy'."
        )
        raise AttributeError(msg)

    def _accept_sample_weight(self) -> bool:
        """Tell scikit-learn's searches that weights are welcome."""
        return True

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Return a scorer that asks for metadata under metadata routing.

        Parameters
        ----------
        **requests : bool, str or None
            For ``sample_weight`` and ``soft_labels``: True asks for it, False ignores
            it, None makes passing it an error, a string is the name it goes by.

        Returns
        -------
        scorer
            A copy; the scorer itself does not change.

        Raises
        ------
        TypeError
            If the name is not one that the scorer takes.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn import config_context
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.model_selection import cross_validate
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from xent_metrics.scorers import neg_kl_divergence
        >>> X, y = load_iris(return_X_y=True)
        >>> soft = np.full((150, 3), 0.05) + 0.85 * np.eye(3)[y]  # of each row's label
        >>> scorer = neg_kl_divergence.set_score_request(soft_labels=True)
        >>> with config_context(enable_metadata_routing=True):
        ...     scores = cross_validate(
        ...         GaussianNB(), X, y, scoring=scorer, params={"soft_labels": soft}
        ...     )
        >>> scores["test_score"].mean().round(1).item()
        -2.4
        """
        for name in requests:
            if name not in _PARAMS:
                msg = (
                    f"a scorer takes {' and '.join(_PARAMS)}: found {name!r}; "
                    "request one of these."
                )
                raise TypeError(msg)
        new = copy.copy(self)
        vars(new)["_requests"] = self._requests | requests
        return new

    def get_metadata_routing(self) -> MetadataRequest:
        """The metadata that this scorer asks for."""
        request = MetadataRequest(owner=self)
        for name, alias in self._requests.items():
            request.score.add_request(param=name, alias=alias)
        return request

    def _scores(
        self,
        names: Iterable[str],
        estimator: Any,
        X: Any,  # noqa: N803 - scikit-learn's name
        y_true: Any,
        *,
        sample_weight: Any,
        soft_labels: Any,
    ) -> list[dict[str, float]]:
        """A value for each name, of each output of the estimator."""
        outputs = read_outputs(
            estimator,
            X,
            y_true,
            sample_weight=sample_weight,
            soft_labels=soft_labels,
            options=self.options,
            scorer=repr(self),
        )
        found = [scores(output, names, self.options) for output in outputs]
        if anyone_listens():
            self._tell(outputs)
        return found

    def _tell(self, outputs: Iterable[Output]) -> None:
        """Tell of what was scored; the scores stand whatever comes of it."""
        for output in outputs:
            try:
                evaluation = _evaluation(output, self.options)
            except Exception as error:  # noqa: BLE001 - the map may be a user's own
                message = f"could not notify evaluation listeners: {error}"
                warnings.warn(message, UserWarning, stacklevel=2)
            else:
                tell(evaluation)


def _evaluation(output: Output, options: Options) -> Evaluation:
    """What was scored, as an evaluation: without predicting again."""
    evaluated = evaluate(
        output.inputs,
        None,
        options.reading(),
        recalibration=options.recalibration,
        index=None,
        warn=False,
    )
    return Evaluation(**evaluated._asdict())
