"""Files as frames: what the options ask of a path, a glob or an address."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from .._inputs.arrow import readable
from .._scan.addresses import redacted, scheme_of
from .._scan.dataset import Opened, Task, open_files, open_streams, tasks_of
from .._scan.formats import CSV, format_of
from .._scan.paths import UnreadableError, files_of, is_glob
from .._scan.streams import Stream, StreamTask, as_written
from .columns import Columns, Wanted, find
from .errors import UsageError
from .terminal import Stages

STANDARD_INPUT = "standard input"


class Table(NamedTuple):
    """The columns of a file that a command needs, and what they are."""

    frame: pd.DataFrame
    columns: Columns


def name_of(file: str) -> str:
    """The name of a file as it is shown and written, without credentials."""
    return STANDARD_INPUT if file == "-" else redacted(file)


def read(file: str, wanted: Wanted, stages: Stages) -> Table:
    """Read what is wanted of a file or several; ``-`` is CSV on standard input."""
    with _readable(file):
        table = _read(_opened(file), wanted, name_of(file), stages)
    if table.frame.empty:
        msg = (
            f"{name_of(file)} must have rows: it has names of columns alone; write it "
            "again."
        )
        raise UsageError(msg)
    return table


def read_text(file: str) -> str:
    """The text of a file that is no table, such as a document."""
    with _readable(file):
        _check(file)
        files = files_of([file], skip=False)
        with files.filesystem.open_input_stream(files.paths[0]) as raw:
            text: str = raw.read().decode("utf-8")
        return text


def _opened(file: str) -> Opened:
    """What is read, whose columns are known."""
    if file == "-":
        content = sys.stdin.buffer.read()
        return open_streams([Stream(STANDARD_INPUT, CSV, content=content)])
    _check(file)
    return open_files(files_of([file], skip=False))


def _read(opened: Opened, wanted: Wanted, name: str, stages: Stages) -> Table:
    columns = find(wanted, opened.names, name)
    needed, what = tuple(columns.read), f"reading {name}"
    watched = [
        stream._replace(watch=lambda raw, size: stages.counted(raw, what, size))
        for stream in opened.streams
    ]
    tasks, lost = tasks_of(opened._replace(streams=watched), needed, needed)
    if lost:
        raise lost[0]
    if opened.is_csv:
        return Table(_of_texts(tasks, columns), columns)
    if not opened.streams:
        stages.start(what, sum(task.n_rows or 0 for task in tasks))
    tables = []
    for table in _tables(tasks):
        tables.append(table)
        if not opened.streams:
            stages.advance(len(table))
    return Table(_frame_of(tables, needed), columns)


def _tables(tasks: Sequence[Task | StreamTask]) -> Iterator[Any]:
    for task in tasks:
        yield from task.tables(*task.pieces)


def _of_texts(tasks: Sequence[Task | StreamTask], columns: Columns) -> pd.DataFrame:
    """The rows of CSV, with texts as numbers where all of a column are."""
    own = [
        task._replace(readers=dict.fromkeys(columns.text))
        for task in tasks
        if isinstance(task, StreamTask)
    ]
    frame: pd.DataFrame = pd.concat(_tables(own), ignore_index=True)
    for name in columns.text:
        if frame[name].dtype.kind != "i":  # as that of folders may be
            frame[name] = as_written(frame[name])
    return frame


def _frame_of(tables: list[Any], columns: tuple[str, ...]) -> pd.DataFrame:
    """Tables of Arrow as one frame, whose lists and structs stay those of Arrow."""
    import pyarrow as pa  # noqa: PLC0415 - not needed for CSV

    if not tables:
        return pd.DataFrame(columns=list(columns))
    whole = pa.concat_tables(tables, promote_options="permissive")
    table = pa.table(list(map(readable, whole.columns)), names=list(columns))

    def kept(kind: Any) -> Any:
        return pd.ArrowDtype(kind) if pa.types.is_nested(kind) else None

    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, types_mapper=kept)
    return frame


def _check(file: str) -> None:
    """Refuse a path where there is nothing, or an empty file."""
    if not file:
        msg = "FILE must be the path of a file: it is empty; pass one, or '-'."
        raise UsageError(msg)
    path = Path(file)
    if path.is_dir():
        return
    if not path.exists():
        if scheme_of(file) or is_glob(file):
            return
        format_of(file)
        msg = f"FILE must exist: there is no {file!r}; {_near(path)}"
        raise UsageError(msg)
    if not path.stat().st_size:
        msg = f"FILE must not be empty: {file!r} has no bytes; write it again."
        raise UsageError(msg)


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either; check the path."
    names = [each.name for each in folder.iterdir() if each.is_file()]
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {str(folder / near[0])!r}?" if near else "check the path."


@contextmanager
def _readable(file: str) -> Iterator[None]:
    """One sentence where a file's bytes are not what its name says."""
    try:
        yield
    except UsageError:
        raise
    except UnreadableError as error:
        msg = (
            f"{error.place} cannot be read: {error.why}; check what wrote it, and its "
            "name."
        )
        raise UsageError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{name_of(file)} must be text in UTF-8: {error}; save it so."
        raise UsageError(msg) from None
    except (OSError, ValueError) as error:
        text = re.sub("^dataset must", "FILE must", redacted(str(error)))
        raise UsageError(text) from None


def keyed(table: Table, key: str | None, file: str) -> Table:
    """The rows under their names."""
    if key is None:
        return table
    shown_as = name_of(file)
    column = table.frame[key]
    if column.isna().any():
        msg = (
            f"--key must name each row: {key!r} is missing in row "
            f"{int(column.isna().to_numpy().argmax())} of {shown_as}; fill it."
        )
        raise UsageError(msg)
    twice = column.duplicated()
    if twice.any():
        value = column[twice].tolist()[0]
        msg = (
            f"--key must name each row once: {value!r} occurs twice in column {key!r} "
            f"of {shown_as}; choose a column without repeats."
        )
        raise UsageError(msg)
    return table._replace(frame=table.frame.set_index(key, drop=False))
