"""Wrong calls and misspelt attributes, answered in one sentence with the right form."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, TypeVar

T = TypeVar("T")

_FORMS: dict[Any, str] = {}


def form(text: str) -> Callable[[T], T]:
    """Decorate a function or a class: how it is called, or made, where it matters."""

    def note(it: T) -> T:
        _FORMS[it] = text
        return it

    return note


def answering(it: Any) -> Any:
    """Make a function, or the methods and attributes of a class, answer mistakes.

    A signature stays what it was, for people, type checkers and documentation.
    """
    if not isinstance(it, type):
        return _answering(it, it, it.__name__)
    if not issubclass(it, BaseException) and not getattr(it, "_is_protocol", False):
        answers = {name: _method(it, name, one) for name, one in vars(it).items()}
        for name, one in (answers | {"__getattr__": _no_attribute}).items():
            if one is not None:
                setattr(it, name, one)
    return it


def _method(cls: type, name: str, it: Any) -> Any:
    """The same method, which answers; None for what is not called by its name."""
    shown = f"{_shown(cls)}.{name}"
    if name in ("__init__", "__call__"):
        of = cls.__name__ if name == "__init__" else _shown(cls)
        return _answering(it, cls, of, n_bound=1)
    if name.startswith("_"):
        return None
    if isinstance(it, (classmethod, staticmethod)):
        n_bound = 1 if isinstance(it, classmethod) else 0
        return type(it)(_answering(it.__func__, it, shown, n_bound=n_bound))
    return _answering(it, it, shown, n_bound=1) if inspect.isfunction(it) else None


def _shown(cls: type) -> str:
    """What a class is called in messages: as users write it."""
    return str(getattr(cls, "_shown", cls.__name__))


def _answering(function: Any, key: Any, name: str, *, n_bound: int = 0) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError:
            parameters = [*inspect.signature(function).parameters.values()][n_bound:]
            found = _Call(name, parameters, args[n_bound:], options)
            answer = found.answer(_FORMS.get(key))
            if answer is None:
                raise
        raise TypeError(answer)

    return call


class _Call:
    """A call, and the signature that it should match."""

    def __init__(
        self,
        name: str,
        parameters: Sequence[Parameter],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> None:
        self.name, self.args, self.options = name, args, options
        kinds = {each.kind for each in parameters}
        self.any_args = Parameter.VAR_POSITIONAL in kinds
        self.any_options = Parameter.VAR_KEYWORD in kinds
        self.placed = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        self.named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]

    def answer(self, form: str | None) -> str | None:
        """What is wrong with the call, and its right form; None if it matches."""
        placed, named = (
            [each.name for each in some] for some in (self.placed, self.named)
        )
        known = placed + named
        unknown = [name for name in self.options if name not in known]
        if unknown and not self.any_options:
            near = difflib.get_close_matches(unknown[0], known, n=1)
            required = self._required()
            options = [name for name in known if name in named or name not in required]
            mend = f"options are {', '.join(options)}" if options else "it takes none"
            mend = mend if form is None else f"pass {form}"
            mend = f"did you mean {near[0]!r}?" if near else f"{mend}."
            return f"{self.name} has no option {unknown[0]!r}; {mend}"
        if len(self.args) > len(placed) and not self.any_args:
            rest = ", all else by name" if named or self.any_options else ""
            n = len(self.args)
            return (
                f"{self.name} takes {_listed(placed) or 'nothing'} by position{rest}: "
                f"found {n} value{'s' * (n > 1)}; pass {form or self._form()}."
            )
        twice = [name for name in placed[: len(self.args)] if name in self.options]
        if twice:
            return (
                f"{self.name} takes {twice[0]} once: found it by position and by name; "
                "leave one of them out."
            )
        given = [*placed[: len(self.args)], *self.options]
        missing = [name for name in self._required() if name not in given]
        if missing:
            found = f"{_listed(given)} only" if given else "nothing"
            return (
                f"{self.name} requires {_listed(missing)}: found {found}; pass "
                f"{form or self._form()}."
            )
        return None

    def _required(self) -> list[str]:
        both = [*self.placed, *self.named]
        return [each.name for each in both if each.default is Parameter.empty]

    def _form(self) -> str:
        """The call with what it requires, and the first options in place of values."""
        required = self._required()
        shown = [p.name for p in self.placed[: max(len(self.args), 1)]]
        shown += [p.name for p in self.placed if p.name in required]
        named = [each.name for each in self.named]
        own = [name for name in named if name in required]
        own = own or named[: max(len(self.args) - len(self.placed), 0)]
        values = [*dict.fromkeys(shown), *(f"{name}=..." for name in own)]
        return f"{self.name}({', '.join(values)})"


def _listed(names: Sequence[str]) -> str:
    *most, last = names or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _no_attribute(self: Any, name: str) -> Any:
    """Say which attribute may have been meant, here or one step below."""
    cls = type(self)
    if name.startswith("_") or hasattr(cls, name):
        return object.__getattribute__(self, name)  # Python's error, or the property's
    places = {one: f".{one}" for one in _attributes(self)}
    for holder, value in getattr(self, "__dict__", {}).items():
        below, place = value, f".{holder}"
        if isinstance(value, Mapping) and value:
            below, place = next(iter(value.values())), f"{place}[name]"
        if getattr(type(below), "__getattr__", None) is _no_attribute:
            for one in _attributes(below):
                places.setdefault(one, f"{place}.{one}")
    near = difflib.get_close_matches(name, places, n=1)
    mend = f"did you mean {places[near[0]]}?" if near else "dir() lists what it has."
    msg = f"{_shown(cls)} has no attribute {name!r}; {mend}"
    raise AttributeError(msg, name=name)


def no_name(module: str, name: str, known: Sequence[str]) -> AttributeError:
    """Say which name of a module may have been meant."""
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean .{near[0]}?" if near else "dir() lists what it has."
    msg = f"module {module!r} has no attribute {name!r}; {mend}"
    return AttributeError(msg, name=name)


def _attributes(it: Any) -> list[str]:
    return [name for name in object.__dir__(it) if not name.startswith("_")]
