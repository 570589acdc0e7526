"""The monitor: batches of labelled predictions against a reference, as they come."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from numpy.typing import ArrayLike

from .._calls import form
from .._decomposition.result import Decomposition
from .._display.result import Result, counted, plots, show_period
from .._display.values import decode_value, encode_value
from .._evaluation.evaluation import Evaluation
from .._inputs.by import is_label
from .._inputs.groups import number
from .._inputs.inputs import read
from .._inputs.labels import show
from .._inputs.read_options import FromLogits, ReadOptions, TargetType, nats_per_unit
from .._pickling import public
from .._recalibration.one_thread import one_thread
from .._recalibration.sample import from_inputs
from .._scan.sides import map_of, read_side
from .._scan.state import ScanState
from .._terms import title
from .alarm import Alarm
from .betting import Band, directions_of, log_threshold
from .monitor_document import decode, encode
from .running import (
    Batch,
    Running,
    Setup,
    advanced,
    limits,
    restarted,
    start,
    with_directions,
)
from .watched import WATCHABLE, Watched, watched

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LAST = 8  # periods that the text shows


@public
@form("Monitor(evaluation)")
class Monitor(Result):
    """Watch labelled predictions, batch by batch, for what the reference denies.

    Labels are compared with what the reference's recalibration map expects of the same
    predictions: what is watched is the concept of :func:`drift`, not the mix. The
    probability of any false alarm within a year, a run of ``periods`` periods, is at
    most ``alpha``, however often one looks. The map's own error counts as no change.

    Parameters
    ----------
    reference : Evaluation, Decomposition, ScanState, or JSON of an evaluation
        What is normal: predictions and labels that the model was not trained on, of
        one model (not of folds). It says the classes, the unit and the clip.
    terms : sequence of str, default ("cross_entropy",)
        The terms to watch: "cross_entropy", "refinement", "miscalibration",
        "resolution" or "uncertainty".
    alpha : float, default 0.05
        The most that the probability of any alarm in a year without change may be:
        half of it is spent on the error of the reference's map.
    periods : int, default 365
        The periods of a year, such as days. After as many, bets begin anew.
    tolerance : float or mapping of str to float, default 0
        A mean change of so much in a term, in the unit of the reference, is no alarm.
        A mapping has values by the name of the term, or of a class's frequency as
        :attr:`watched` has it.
    frequencies : bool, default True
        Whether to watch also how frequent each class is, given the predictions: that
        sees what leaves the mean cost as it is. At most ten classes are watched, the
        most frequent ones.

    Attributes
    ----------
    alpha, periods
        As they were given.
    watched : tuple of str
        What is watched: terms, and frequencies of classes.
    labels : tuple
        The classes, in column order.
    unit : str
        "nats", "bits", or as the reference has it.
    evidence : float
        What bets against the reference have won this year: the capital, from 1.
    threshold : float
        The evidence that is an alarm, 2 / alpha.
    alarm : Alarm or None
        That of this year, if there was one.
    alarms : tuple of Alarm
        Those of all years, at most one for each.
    limits : tuple of str
        What the absence of an alarm does not say, in sentences.

    Raises
    ------
    TypeError
        If ``reference`` is none of these.
    ValueError
        If the reference has no recalibration map or is of folds, or an option is out
        of its range.

    See Also
    --------
    drift : Splits a change of the loss, and says what it is.
    expected_loss : Before labels come.

    Notes
    -----
    For a unit, a row or a group of rows, x is the mean cost less what the map c
    expects of the same predictions, where costs above 10 nats count as 10. A bet of
    lambda on a higher cost multiplies its capital by
    exp(lambda (x - m) - psi(lambda b) x^2 / b^2), where -b is the least that x may be
    and psi(z) = -log(1 - z) - z: a supermartingale where the mean of x is at most m
    (Fan, Grama and Liu, 2015). The capital is spread over both directions, four stakes
    and some 50 times of the year at which to begin; an alarm is where it reaches
    2 / alpha (Ville, 1939; Ramdas et al., 2023).

    The error of the map moves all rows alike, so it is subtracted from the gain of a
    week (a 52nd of the year), not of a row: the most that it may be, within a set of
    parameters that holds the true ones with probability 1 - alpha / 2. That set is
    narrow along the mean direction of the reference's predictions, and has the width
    of all parameters at once (Scheffe) elsewhere. Where a reference was read back
    without its rows, the first batch's predictions give that direction.

    benchmarks/monitor.py measures it: how often there is a false alarm, and how soon a
    change is found.

    References
    ----------
    Ville, J. (1939). Etude critique de la notion de collectif. Gauthier-Villars.

    Fan, X., Grama, I. and Liu, Q. (2015). Exponential inequalities for martingales
    with applications. Electronic Journal of Probability 20.
    https://doi.org/10.1214/EJP.v20-3496

    Ramdas, A., Grunwald, P., Vovk, V. and Shafer, G. (2023). Game-theoretic statistics
    and safe anytime-valid inference. Statistical Science 38.
    https://doi.org/10.1214/23-STS894

    Examples
    --------
    A model whose predictions become too bold after 100 days:

    >>> import numpy as np
    >>> from xent_metrics import Evaluation, Monitor
    >>> rng = np.random.default_rng(0)
    >>> def day(n, slope):
    ...     logit = rng.normal(0, 2, n)
    ...     y = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
    ...     return y.astype(int), 1 / (1 + np.exp(-logit))
    >>> monitor = Monitor(Evaluation.from_predictions(*day(5000, slope=1.0)))
    >>> for t in range(150):
    ...     _ = monitor.update(*day(200, slope=1.0 if t < 100 else 0.6))
    >>> monitor.alarm.on, monitor.alarm.direction, 100 < monitor.alarm.when < 120
    ('cross_entropy', 'higher', True)
    """

    def __init__(
        self,
        reference: Evaluation | Decomposition | ScanState | str | bytes,
        *,
        terms: Sequence[str] = ("cross_entropy",),
        alpha: float = 0.05,
        periods: int = 365,
        tolerance: float | Mapping[str, float] = 0.0,
        frequencies: bool = True,
    ) -> None:
        _check(terms, alpha, periods)
        self._setup = _setup(
            reference, tuple(terms), alpha, tolerance, frequencies=frequencies
        )
        self._running: Running = start(self._setup, int(periods))

    @property
    def alpha(self) -> float:
        """The most that the probability of a false alarm in a year may be."""
        return self._setup.alpha

    @property
    def periods(self) -> int:
        """The periods of a year."""
        return self._running.clock.periods

    @property
    def watched(self) -> tuple[str, ...]:
        """What is watched: terms, and frequencies of classes."""
        return tuple(one.name for one in self._setup.watch)

    @property
    def labels(self) -> tuple[Any, ...]:
        """The classes, in column order."""
        return self._setup.reference.labels

    @property
    def unit(self) -> str:
        """The unit of the terms."""
        return self._setup.unit

    @property
    def evidence(self) -> float:
        """What bets against the reference have won this year: the capital, from 1."""
        if not self._running.clock.period:
            return 1.0
        return _exp(self._running.history[-1].log_evidence)

    @property
    def threshold(self) -> float:
        """The evidence that is an alarm."""
        return math.exp(log_threshold(self._setup.alpha))

    @property
    def alarm(self) -> Alarm | None:
        """The alarm of this year, if there was one."""
        return self._running.current_alarm

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms of all years, at most one for each."""
        return self._running.alarms

    @property
    def limits(self) -> tuple[str, ...]:
        """What the absence of an alarm does not say, in sentences."""
        return limits(self._setup, self._running)

    def update(
        self,
        y_true: Any,
        y_proba: Any,
        *,
        when: Any = None,
        target_type: TargetType = "auto",
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        rescale: bool = False,
        from_logits: FromLogits = False,
    ) -> Alarm | None:
        """Feed a batch whose labels are known.

        Parameters
        ----------
        y_true : array-like of shape (N,) or (N, K)
            Hard labels, or target distributions, or vote counts.
        y_proba : array-like or DataFrame of shape (N, K) or (N,)
            Predicted probabilities of the reference's classes, in its order.
        when : text, number or time, optional
            The name of the period, such as a date. A batch with that of the one before
            belongs to the same period; else a period begins, which must not be an
            earlier one by its number, time or ISO date. Default: each batch is a
            period, named by its number in the year.
        target_type, rescale, from_logits
            As in :func:`cross_entropy`.
        sample_weight : array-like of shape (N,), optional
            More is staked on rows of more weight; rows of weight 0 are left out.
        groups : array-like of shape (N,), optional
            Rows of a group may depend on each other; groups are independent. Required
            where the reference has groups. A group that comes back in another batch
            counts as a new one.

        Returns
        -------
        Alarm or None
            The alarm that this batch raised. In a year there is one at most.

        Raises
        ------
        TypeError
            If ``when`` is not text, a number or a time.
        ValueError
            As in :func:`cross_entropy`, if ``groups`` are missing, or if ``when`` is
            earlier than the last period. The monitor is then as before.

        Warns
        -----
        UnseenLabelWarning
            If rows have a label that is not among the classes: they are left out.
        """
        when = _name_of_period(when)
        _refuse_earlier(when, self._running)
        n = len(self._running.alarms)
        batch = self._read(
            y_true,
            y_proba,
            when,
            ReadOptions(
                labels=self.labels,
                target_type=target_type,
                sample_weight=sample_weight,
                groups=groups,
                clip=self._setup.reference.clip,
                rescale=rescale,
                from_logits=from_logits,
            ),
        )
        with one_thread():
            self._setup = with_directions(self._setup, batch)
            self._running = advanced(self._setup, self._running, batch)
        return self.alarms[-1] if len(self.alarms) > n else None

    def restart(self) -> None:
        """Begin a new year now, as after a repair: bets begin anew.

        The history stays. Each year has its own probability of a false alarm.
        """
        self._running = restarted(self._setup, self._running)

    def _read(
        self, y_true: Any, y_proba: Any, when: Any, options: ReadOptions
    ) -> Batch:
        inputs = read(y_true, y_proba, options)
        inputs.measure(["confidence"], clip=options.clip)  # checks every row
        clusters = None
        if options.groups is not None:
            clusters = number(options.groups, inputs, "groups")[0]
        elif self._setup.grouped:
            msg = (
                "groups must be given, as the reference has them: found none; pass "
                "groups=, or range(len(y_true)) where rows are independent."
            )
            raise ValueError(msg)
        known = from_inputs(
            inputs, inputs.known_rows(), clip=options.clip, clusters=clusters
        )
        return Batch(known, inputs.n_unseen, when)

    def to_json(self) -> str:
        """Return the state as strict JSON, for :meth:`from_json`.

        Returns
        -------
        str
            With the version of its schema; every number is exact. It holds the map of
            the reference, but none of its rows.

        Raises
        ------
        TypeError
            If a class is not text, a number, a boolean, a time or bytes, so that it
            could not be read back.
        """
        return encode(self._setup, self._running)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a monitor back, to go on where it was.

        Parameters
        ----------
        text : str or bytes
            What :meth:`to_json` gave.

        Returns
        -------
        Monitor
            The same: it goes on to the same evidence.

        Raises
        ------
        TypeError
            If ``text`` is not str or bytes.
        ValueError
            If it is not the JSON of a monitor of this version's schema.

        Examples
        --------
        >>> from xent_metrics import Evaluation, Monitor
        >>> y, q = [0, 1, 1, 0, 1] * 80, [0.4, 0.6, 0.7, 0.5, 0.6] * 80
        >>> monitor = Monitor(Evaluation.from_predictions(y, q))
        >>> _ = monitor.update(y[:100], q[:100], when="2026-03-02")
        >>> again = Monitor.from_json(monitor.to_json())
        >>> again.evidence == monitor.evidence
        True
        """
        found = object.__new__(cls)
        found._setup, found._running = decode(text)
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row per period, by year and period.

        Returns
        -------
        DataFrame
            ``n``, rows with a known label; ``n_unseen``, those left out; ``units``,
            rows or groups; for each watched quantity its mean excess over what the
            map expects, in its unit, with its standard error (``_se``) and how much of
            it the map's error may account for (``_band``); and the ``evidence``.
        """
        setup, rows = self._setup, []
        for one in self._running.history:
            row: dict[str, Any] = {
                "n": one.n,
                "n_unseen": one.n_unseen,
                "units": one.n_units,
            }
            n = one.n_units
            for k, what in enumerate(setup.watch):
                scale, mean = setup.scale(k), one.total[k] / max(n, 1)
                left = max(one.squares[k] - n * mean**2, 0.0)
                error = math.sqrt(left / (n - 1) / n) if n > 1 else math.nan
                row[what.name] = mean / scale if n else math.nan
                row[f"{what.name}_se"] = error / scale
                row[f"{what.name}_band"] = one.width[k] / max(n, 1) / scale
            rows.append({**row, "evidence": _exp(one.log_evidence)})
        history = self._running.history
        index = pd.MultiIndex.from_arrays(
            [[one.year for one in history], [one.when for one in history]],
            names=["year", "period"],
        )
        columns = [
            "n",
            "n_unseen",
            "units",
            *(f"{name}{end}" for name in self.watched for end in ("", "_se", "_band")),
            "evidence",
        ]
        return pd.DataFrame(rows, index=index, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """The settings, where the monitor is, its alarms and its limits."""
        running = self._running
        return {
            "alpha": self.alpha,
            "periods": self.periods,
            "watched": list(self.watched),
            "unit": self.unit,
            "year": running.year,
            "period": running.clock.period,
            "evidence": self.evidence,
            "threshold": self.threshold,
            "alarms": [one.to_dict() for one in self.alarms],
            "limits": list(self.limits),
        }

    def plot(self, on: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw what was found in each period, with the band and the alarms.

        Parameters
        ----------
        on : str, optional
            What to draw, of :attr:`watched`. Default: what the last alarm is on, or
            the first.
        ax : matplotlib Axes, optional
            Where to draw. Default: a figure of its own.

        Returns
        -------
        Axes
            With the plot.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``on`` is not watched.
        """
        axes: Axes = plots().monitor(self, on, ax=ax)
        return axes

    def _shown_table(self) -> pd.DataFrame:
        """The last periods, as text."""
        table = self.to_frame().tail(_LAST)
        rows = []
        for (_, when), row in zip(table.index, table.to_dict("records"), strict=True):
            shown = {"period": show_period(when), "n": f"{row['n']:,}"}
            for name in self.watched:
                error = row[f"{name}_se"]
                shown[title(name)] = f"{row[name]:+.4f} ± {error:.4f}"
            rows.append({**shown, "evidence": f"{row['evidence']:.3g}"})
        return pd.DataFrame(rows, columns=self._shown_columns())

    def _shown_columns(self) -> list[str]:
        return ["period", "n", *map(title, self.watched), "evidence"]

    def __repr__(self) -> str:
        """Where it is, the last periods, alarms, and limits."""
        running = self._running
        head = (
            f"Monitor in period {running.clock.period} of {self.periods}, year "
            f"{running.year}, in {self.unit}: evidence {self.evidence:.3g}, alarm at "
            f"{self.threshold:.3g}"
        )
        lines = [head, ""]
        if running.history:
            table = self._shown_table().to_string(index=False)
            lines += [f"  {line}" for line in table.splitlines()]
            lines += ["  (mean excess over what the map expects, ± standard error)", ""]
        lines += [repr(one) for one in self.alarms] or ["no alarm"]
        lines.append(
            f"in {counted(self.periods, 'period')} without change there is any alarm "
            f"with probability {self.alpha:g} at most; but:"
        )
        return "\n".join([*lines, *(f"- {one}" for one in self.limits)])


def _exp(log_value: float) -> float:
    return math.exp(log_value) if log_value < math.log(1e300) else math.inf


def _name_of_period(when: Any) -> Any:
    """The name as it is read back; one sentence where it is none."""
    one = is_label(when) and not isinstance(when, tuple)
    if when is not None and not (one and not pd.isna(when)):
        msg = (
            f"when must be text, a number or a time: found {when!r}; leave it out to "
            "number the periods."
        )
        raise TypeError(msg)
    return decode_value(encode_value(when))


def _refuse_earlier(when: Any, running: Running) -> None:
    """Refuse a period before the last one; numbers may begin anew with a year."""
    if when is None or not running.history:
        return
    last, clock = running.history[-1].when, running.clock
    if isinstance(when, numbers.Real) and clock.period in (0, clock.periods):
        return
    one, two = _in_order(when), _in_order(last)
    try:
        earlier = one is not None and two is not None and bool(one < two)
    except TypeError:  # a number after a date, or times of which one has a zone
        return
    if earlier:
        msg = (
            "when must not be earlier than the last period: found "
            f"{show_period(when)} after {show_period(last)}; feed batches in the order "
            "of time."
        )
        raise ValueError(msg)


def _in_order(when: Any) -> Any:
    """What tells which period is earlier; None where a name does not."""
    if isinstance(when, (numbers.Real, date)):
        return pd.Timestamp(when) if isinstance(when, date) else when
    try:
        return pd.Timestamp(datetime.fromisoformat(when))
    except (TypeError, ValueError):
        return None


def _check(terms: Any, alpha: Any, periods: Any) -> None:
    """Refuse options that are out of their range."""
    if isinstance(terms, str) or not isinstance(terms, Iterable):
        msg = (
            f"terms must be a sequence of names: found {terms!r}; pass "
            "terms=('cross_entropy',)."
        )
        raise TypeError(msg)
    names = tuple(terms)
    wrong = [name for name in names if name not in WATCHABLE]
    if wrong or not names or len(set(names)) < len(names):
        found = f"{wrong[0]!r}" if wrong else f"{names!r}"
        msg = (
            f"terms must be some of {', '.join(map(repr, WATCHABLE))}, each once: "
            f"found {found}; others have no expectation under the reference's map."
        )
        raise ValueError(msg)
    if not (isinstance(alpha, numbers.Real) and 0 < float(alpha) < 1):
        msg = f"alpha must be in (0, 1): found {alpha!r}; pass 0.05."
        raise ValueError(msg)
    whole = isinstance(periods, numbers.Integral) and not isinstance(periods, bool)
    if not (whole and periods >= 1):
        msg = f"periods must be a whole number from 1: found {periods!r}; pass 365."
        raise ValueError(msg)


def _setup(
    reference: Any,
    terms: tuple[str, ...],
    alpha: float,
    tolerance: Any,
    *,
    frequencies: bool,
) -> Setup:
    """What the reference says of other rows, and what is watched."""
    side = read_side(reference, "reference")
    fitted = map_of(side)
    watch = watched(fitted, terms, frequencies=frequencies)
    directions, data = None, side.data
    if data is not None:
        known, clip = data.inputs.known_rows(), side.evidence.clip
        sample = from_inputs(data.inputs, known, clip=clip, clusters=data.clusters)
        with one_thread():
            directions = directions_of(fitted, sample, watch)
    per_unit = nats_per_unit(side.decomposition.base)
    return Setup(
        reference=fitted,
        watch=watch,
        tolerances=_tolerances(tolerance, watch, per_unit),
        band=Band.of(fitted, len(watch), directions, float(alpha)),
        alpha=float(alpha),
        base=side.decomposition.base,
        grouped=side.decomposition.n_groups is not None,
    )


def _tolerances(
    tolerance: Any, watch: tuple[Watched, ...], per_unit: float
) -> tuple[float, ...]:
    """The tolerance of each watched quantity, of terms in nats."""
    if not isinstance(tolerance, Mapping):
        tolerance = {one.name: tolerance for one in watch if one.place is None}
    names = [one.name for one in watch]
    unknown = [name for name in tolerance if name not in names]
    if unknown:
        msg = (
            f"tolerance must be by the name of what is watched: found {unknown[0]!r}, "
            f"watched are {show(names)}; name one of them."
        )
        raise ValueError(msg)
    for name, one in tolerance.items():
        if not (isinstance(one, numbers.Real) and 0 <= float(one) < math.inf):
            msg = (
                "tolerance must hold finite numbers from 0: found "
                f"{one!r} for {name!r}; pass 0 to tolerate no change."
            )
            raise ValueError(msg)
    return tuple(
        float(tolerance.get(one.name, 0.0)) * (per_unit if one.place is None else 1.0)
        for one in watch
    )
