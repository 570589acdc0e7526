"""The page as HTML, and written to a file."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .content import content
from .figures import figures
from .place import place_of, unwritable

if TYPE_CHECKING:
    from .._evaluation.evaluation import Evaluation
    from .todo import Reducible, Sliced


def render(
    evaluation: Evaluation,
    *,
    by: Any = None,
    title: str | None = None,
    reducible: Reducible | None = None,
    slices: Sliced | None = None,
    against: Any = None,
) -> str:
    """The page of an evaluation; all that users named is escaped.

    Parameters
    ----------
    evaluation : Evaluation
        What the page shows, as far as it holds it.
    by : str, array-like, DataFrame or mapping, optional
        What rows are grouped by, as in ``Evaluation.summary``. Default: no groups.
    title : str, optional
        The heading of the page. Default: one that states the loss.
    reducible, slices : optional
        What the features of the same rows still hold, and where.
    against : Drift, optional
        What moved since a reference. Default: nothing is said of one.

    Returns
    -------
    str
        HTML with styles and plots inside, the same for the same evaluation.

    Raises
    ------
    ImportError
        If jinja2 or matplotlib are not installed.
    TypeError
        If ``reducible``, ``slices`` or ``against`` is no such result.
    ValueError
        If ``by`` names no column, or does not hold one value per row, or if
        ``reducible`` or ``against`` is of other rows.

    Examples
    --------
    >>> from xent_metrics import Evaluation
    >>> y, q = ["a", "b"] * 200, [[0.8, 0.2], [0.4, 0.6]] * 200
    >>> text = render(Evaluation.from_predictions(y, q), title="Two classes")
    >>> "<title>Two classes</title>" in text
    True
    """
    for name in ("jinja2", "matplotlib"):
        if importlib.util.find_spec(name) is None:
            msg = (
                f"the page needs {name}: it is not installed; "
                "pip install 'xent-metrics[report]'."
            )
            raise ImportError(msg)
    import jinja2  # noqa: PLC0415 - heavy, and an extra
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    room = files(__package__)
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.from_string(
        room.joinpath("page.html.jinja").read_text(encoding="utf-8")
    )
    style = room.joinpath("style.css").read_text(encoding="utf-8")
    return template.render(
        content=content(
            evaluation,
            by=by,
            title=title,
            reducible=reducible,
            slices=slices,
            against=against,
        ),
        figures=figures(evaluation),
        style=Markup(style),  # noqa: S704 - our own file
    ).lstrip()


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8: a reader sees the old file or the new one, never a part.

    It is written beside its place first, so a full disk, or an interruption, leaves
    what was there. A file that is replaced keeps its permissions, and its owner as far
    as this process may set it.
    """
    target = place_of(path)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            if target.exists():  # before the text, which others may not read
                _keep_access(target, part)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if not isinstance(error, OSError):
            raise
        raise unwritable(path, error) from error


def _keep_access(old: Path, new: Path) -> None:
    """Give a new file the owner and the permissions of an old one."""
    if hasattr(os, "chown"):
        found = old.stat()
        with contextlib.suppress(PermissionError):
            os.chown(new, found.st_uid, found.st_gid)
    shutil.copymode(old, new)
