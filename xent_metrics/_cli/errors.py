"""One line for an error, and the exit codes."""

from __future__ import annotations

import difflib
import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from .._scan.addresses import redacted

_SHOWN = 20


class UsageError(ValueError):
    """A wrong use of the command line: the rule, what was found, what to do."""


def hint(name: str, known: Iterable[str], what: str) -> str:
    """What may have been meant, or what there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    return f"did you mean {quoted(near)}?" if near else f"{what} {quoted(names)}."


def quoted(names: Sequence[str]) -> str:
    """A few names as text."""
    text = ", ".join(map(repr, names[:_SHOWN]))
    return text + (", ..." if len(names) > _SHOWN else "")


WRONG, STOPPED, PIPE_CLOSED = 2, 130, 141
_TRACEBACK = "XENT_METRICS_TRACEBACK"

_OPTIONS = (
    "base", "baseline", "clip", "from_logits", "groups", "labels", "level",
    "on_missing", "proba", "recalibration", "rescale", "split", "target", "target_type",
    "vote_correction",
)  # fmt: skip
_NAMES: Mapping[str, str] = {
    "y_true": "--target",
    "y_proba": "--proba",
    "sample_weight": "--weight",
    "target_type": "--target-type",
    "vote_correction": "--vote-correction",
}
_ASSIGNED = re.compile(
    rf"\b({'|'.join(_OPTIONS)})=(True\b|['\"][^'\"]*['\"]|[\w.]*\w)?"
)
_NAMED = re.compile(rf"\b({'|'.join(_NAMES)})\b")
_RULE = re.compile(
    rf"^({'|'.join(_OPTIONS)})\b(?= (?:must|takes|names|holds|requires))"
)
_OF_GROUPS = re.compile(r"^(?:by|values)(?= must)|\b(?:by|values)=(?='.*' makes)")
_BINS = re.compile(r"pass pd\.cut\(.*")


class OneLine(TyperGroup):
    """A group of commands that answers every error with one line."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and leave with its exit code."""
        extra["standalone_mode"] = False  # errors come here
        run = functools.partial(super().main, *args, **extra)
        if os.environ.get(_TRACEBACK) or not standalone_mode:
            code = run()
        else:
            code = _guarded(run)
        if not standalone_mode:
            return code
        sys.exit(code)


class Once(TyperCommand):
    """A command whose options are given once, where they hold one value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse a second value, which would take the place of the first."""
        for one in self.params:
            if getattr(one, "is_flag", True) or getattr(one, "multiple", True):
                continue
            given = [arg for arg in args if arg.partition("=")[0] in one.opts]
            if len(given) > 1:
                name = given[0].partition("=")[0]
                msg = (
                    f"{name} must be given once: found it {len(given)} times; leave "
                    f"the others out{', or call compare' * (name == '--proba')}."
                )
                raise UsageError(msg)
        return super().parse_args(ctx, args)


def _guarded(run: Callable[[], Any]) -> Any:
    """The exit code of a command, whatever happens to it."""
    try:
        return run()
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped.")
        return STOPPED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - Python flushes it at its end
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - no user shall see a traceback
        _say(sentence(error))
        return WRONG


def sentence(error: Exception) -> str:
    """An error as one line, in the names of the command line."""
    told = getattr(error, "format_message", None)  # a usage error of typer's click
    if told is not None:
        text = _one_line(told()).rstrip(".").replace(". Did ", "; did ")
        if "unexpected extra argument" in text:  # as where the shell expands a glob
            return f"{text}; put quotes around a glob, or see --help."
        return text if text.endswith("?") else f"{text}; see --help."
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if isinstance(error, (ValueError, KeyError, TypeError, ImportError, OSError)):
        return in_options(_one_line(text))
    return (
        f"unexpected {type(error).__name__}: {_one_line(text)}; set {_TRACEBACK}=1 to "
        "see where."
    )


def in_options(text: str) -> str:
    """A sentence of the library in the names of the command line."""
    text = text.replace("proba={class: column}", "--proba CLASS=COLUMN")
    text = text.replace(", or None for nats", ", or leave it out for nats")
    text = _OF_GROUPS.sub(
        lambda found: "--by " if found[0][-1] == "=" else "--by", text
    )
    text = _BINS.sub("add a column of its bins to the file, and pass that.", text)
    text = _RULE.sub(lambda found: _option(found[1]), text)
    text = _ASSIGNED.sub(_assigned, text)
    return _NAMED.sub(lambda found: _NAMES[found[1]], text)


def _assigned(found: re.Match[str]) -> str:
    value = (found[2] or "").strip("'\"")
    option = _option(found[1])
    return option if value in {"", "True"} else f"{option} {value}"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _say(text: str) -> None:
    sys.stderr.write(f"xent-metrics: {redacted(text)}\n")


@contextmanager
def warnings_told() -> Iterator[list[str]]:
    """Warnings for users, each as one line on standard error when the work is done.

    An error is told alone.
    """
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        yield told
    told += dict.fromkeys(
        in_options(redacted(_one_line(str(one.message)))) for one in caught
    )
    for line in told:
        sys.stderr.write(f"warning: {line}\n")
