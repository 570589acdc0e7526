"""Which columns of a file a command needs, by what its options say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from .._inputs.columns import Chosen, cast_classes, choose, twin_columns, unknown_column
from .errors import UsageError

Selector: TypeAlias = "str | list[str] | dict[str, str]"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the options ask of a file.

    Attributes
    ----------
    target : tuple of str or None
        Names of columns, or one prefix; None where there are no labels.
    probas : tuple of str
        Selections of probability columns, one per model.
    names : tuple of str
        Columns that hold names, not numbers: groups, keys.
    numbers : tuple of str
        Columns that hold numbers: weights.
    annotators : bool
        Whether several target columns hold labels.
    """

    target: tuple[str, ...] | None
    probas: tuple[str, ...]
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    annotators: bool = False


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Columns that were found: those to read, and which of them hold names."""

    target: Chosen
    probas: dict[str, Chosen]
    read: list[str]
    text: set[str]

    @property
    def target_names(self) -> Any:
        """The target as the accessor takes it."""
        names = self.target.names
        return names[0] if self.target.classes is None else list(names)

    def proba_names(self, frame: pd.DataFrame, text: str) -> Any:
        """Probability columns as the accessor takes them: classes as labels."""
        chosen = self.probas[text]
        if chosen.classes is None:
            return chosen.names[0]
        if not chosen.cast:
            return list(chosen.names)
        classes = chosen.classes
        if set(self.target.names) <= self.text:
            classes = self.as_labels(frame, classes)
        return dict(zip(classes, chosen.names, strict=True))

    def as_labels(self, frame: pd.DataFrame, texts: Sequence[Any]) -> tuple[Any, ...]:
        """Classes that were given as text, in the type of the labels."""
        return cast_classes(texts, [frame[name] for name in self.target.names])


def find(wanted: Wanted, columns: Sequence[str], file: str) -> Columns:
    """Find the columns of a file that a command needs."""
    for name, n_columns in Counter(columns).items():
        if n_columns > 1:
            error = twin_columns(name, n_columns, f" in {file}")
            raise UsageError(str(error))
    beside = (*wanted.names, *wanted.numbers)
    target = Chosen((), ())
    if wanted.target is not None:
        selector = _names(wanted.target, columns)
        target = _chosen(columns, selector, "--target", file, beside)
    taken = (*target.names, *beside)
    probas = {
        text: _chosen(columns, _selector(text, columns), "--proba", file, taken)
        for text in wanted.probas
    }
    for name in beside:
        if name not in columns:
            if len(split([name])) > 1 and set(split([name])) <= set(columns):
                msg = (
                    f"{name!r} is not a column of {file}: it names several; repeat the "
                    "option for each."
                )
                raise UsageError(msg)
            raise _in_file(unknown_column(columns, name), file)
    needed = {*taken, *(name for one in probas.values() for name in one.names)}
    labels = wanted.annotators or target.classes is None
    return Columns(
        target=target,
        probas=probas,
        read=[name for name in columns if name in needed],
        text={*wanted.names, *(target.names if labels else ())},
    )


def split(texts: Iterable[str]) -> list[str]:
    """Names that were given one by one, or with commas between them."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _names(given: Sequence[str], columns: Sequence[str]) -> Selector:
    """One column, several, or a prefix."""
    if len(given) == 1 and given[0] in columns:
        return given[0]
    names = split(given)
    return names[0] if len(names) == 1 else names


def _selector(text: str, columns: Sequence[str]) -> Selector:
    """One column, a prefix, a list of columns, or columns by class."""
    items = split([text])
    if text in columns or not ("," in text or "=" in text):
        return text
    pairs = [item.partition("=") for item in items if item not in columns]
    if not pairs or not any(sign for _, sign, _ in pairs):
        return items
    if len(pairs) < len(items) or not all(sign for _, sign, _ in pairs):
        msg = (
            "--proba must say the class of each column, or of none: found "
            f"{text!r}; write 'cat=p_cat,dog=p_dog'."
        )
        raise UsageError(msg)
    classes = [label.strip() for label, _, _ in pairs]
    if len(set(classes)) < len(classes):
        twice = next(label for label in classes if classes.count(label) > 1)
        msg = (
            f"--proba must name each class once: {twice!r} occurs twice in {text!r}; "
            "write 'cat=p_cat,dog=p_dog'."
        )
        raise UsageError(msg)
    return {label.strip(): name.strip() for label, _, name in pairs}


def _chosen(
    columns: Sequence[str],
    selector: Selector,
    option: str,
    file: str,
    taken: Sequence[str],
) -> Chosen:
    if not selector:
        msg = f"{option} must name columns: it is empty; pass a prefix or names."
        raise UsageError(msg)
    try:
        chosen = choose(columns, selector, option, taken=taken)
    except KeyError as error:
        raise _in_file(error, file) from None
    return chosen._replace(cast=chosen.cast or isinstance(selector, dict))


def _in_file(error: KeyError, file: str) -> UsageError:
    """A name that the library does not find in a frame is missing in a file."""
    return UsageError(str(error.args[0]).replace(" of the frame", f" of {file}", 1))
