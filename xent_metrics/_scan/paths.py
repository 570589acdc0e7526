"""The files that a path means, and what their folders say."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from .addresses import file_system, redacted, scheme_of

_HIDDEN = (".", "_")  # as pyarrow leaves them out
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,9}")
_MOST = 2**31 - 1
_SIGNS = "*?["


class UnreadableError(OSError):
    """A part of a dataset is missing or corrupt: which, and why."""

    place = ""
    why = ""


def unreadable(place: str, error: Exception | str) -> UnreadableError:
    """The error of a part that is missing or corrupt."""
    # pyarrow names the file again before its reason, and gives advice after it.
    why = " ".join(str(error).split()).rstrip(".").rpartition("': ")[2]
    why = redacted(why.partition(". ")[0])
    msg = (
        f"every part of a dataset must be readable: {redacted(place)} is not "
        f"({why}); mend it, or pass on_bad='skip' to leave it out."
    )
    found = UnreadableError(msg)
    found.place, found.why = redacted(place), why
    return found


class Files(NamedTuple):
    """Files of one file system, in the order of the data.

    ``base`` is the folder that they lie in, where that was given. ``lost`` are those
    that are known to be missing.
    """

    filesystem: Any
    paths: list[str]
    base: str
    lost: list[UnreadableError]


def files_of(names: Sequence[str], *, skip: bool) -> Files:
    """The files of a path, an address or a glob, or of a list of them.

    With ``skip``, files of a list may be missing, unless all are.
    """
    if len(names) == 1:
        return _of_one(names[0])
    found: list[Files] = []
    absent: list[str] = []
    lost: list[UnreadableError] = []
    for name in names:
        try:
            files = _of_one(name)
        except FileNotFoundError:
            absent.append(name)
            continue
        except UnreadableError as error:
            lost.append(error)
            continue
        if files.base and not is_glob(name):
            msg = (
                f"a list of paths must hold files only: {redacted(name)!r} is a "
                "folder; pass one folder alone, or the files in it."
            )
            raise IsADirectoryError(msg)
        if found and files.filesystem != found[0].filesystem:
            msg = (
                f"a list of paths must lie in one file system: {redacted(name)!r} is "
                "of another than those before it; scan them one by one."
            )
            raise ValueError(msg)
        found.append(files)
    if absent and not (skip and found):
        raise _absent(absent)
    lost += [unreadable(name, "there is no such file") for name in absent]
    if not found:
        raise lost[0]
    paths = [path for one in found for path in one.paths]
    return Files(found[0].filesystem, paths, "", lost)


def _of_one(name: str) -> Files:
    """A local path, the address of another file system, or a glob of either."""
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    filesystem, path = pafs.LocalFileSystem(), name
    mode = _mode(name)
    pattern = "" if mode else _pattern_of(name)
    if not mode and scheme_of(name):
        filesystem, path = _addressed(name.replace(pattern, "", 1), name)
    elif pattern:
        path = name.removesuffix(pattern)
    is_local = isinstance(filesystem, pafs.LocalFileSystem)
    if pattern:
        return _of_glob(filesystem, path, pattern, name)
    return _of_local(path, name) if is_local else _of_address(filesystem, path, name)


def _addressed(address: str, name: str) -> tuple[Any, str]:
    """The file system of an address, and the path there."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra

    try:
        return file_system(address)
    except (ValueError, pa.ArrowException) as error:
        raise _absent([name], str(error)) from None
    except OSError as error:
        raise unreadable(name, error) from None


def _of_local(path: str, name: str) -> Files:
    """A local file, or those of a folder."""
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    filesystem, mode = pafs.LocalFileSystem(), _mode(path)
    if stat.S_ISDIR(mode):
        base = _as_base(filesystem.normalize_path(path))
        paths, lost = _within(base)
        if not paths and not lost:
            raise _empty(name)
        return Files(filesystem, paths, base, lost)
    if not stat.S_ISREG(mode):
        raise _absent([name])
    return Files(filesystem, [filesystem.normalize_path(path)], "", [])


def _of_address(filesystem: Any, path: str, name: str) -> Files:
    """A file or folder that is not local."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    try:
        kind = filesystem.get_file_info(path).type
        is_folder = kind == pafs.FileType.Directory
        paths = _below(filesystem, path) if is_folder else [path]
    except (OSError, pa.ArrowException) as error:
        raise unreadable(name, error) from None
    if kind == pafs.FileType.NotFound:
        raise _absent([name], _refusal(filesystem, path))
    if not paths:
        raise _empty(name)
    return Files(filesystem, paths, _as_base(path) if is_folder else "", [])


def _refusal(filesystem: Any, path: str) -> str:
    """Why a server has no such file, where a file system of fsspec knows."""
    known = getattr(getattr(filesystem, "handler", None), "fs", None)
    try:
        if known is not None:
            known.info(path)
    except OSError as error:
        return str(error.__cause__ or "")
    return ""


def _below(filesystem: Any, folder: str) -> list[str]:
    """Every file below a folder that is not local, but for those that are hidden."""
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    base = _as_base(folder)
    found = filesystem.get_file_info(pafs.FileSelector(folder, recursive=True))
    return sorted(
        one.path
        for one in found
        if one.type == pafs.FileType.File
        and not any(part.startswith(_HIDDEN) for part in _parts(one.path, base))
    )


def is_glob(name: str) -> bool:
    """Whether a name is a pattern, and not that of a file with such signs in it."""
    return not _mode(name) and bool(_pattern_of(name))


def _pattern_of(name: str) -> str:
    """The part of a name from the first folder or file that is a pattern.

    In an address a question mark begins a query, and is no pattern.
    """
    path, signs = name, _SIGNS
    if scheme_of(name):
        path, signs = name.partition("?")[0], _SIGNS.replace("?", "")
    parts = path.split("/")
    for place, part in enumerate(parts):
        if any(sign in part for sign in signs):
            return "/".join(parts[place:])
    return ""


def _of_glob(filesystem: Any, folder: str, pattern: str, name: str) -> Files:
    """The files that match a pattern, and those in folders that do.

    ``*`` and ``?`` stand for characters of one name, ``**`` for folders of any depth.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    local = isinstance(filesystem, pafs.LocalFileSystem)
    base = _as_base(folder) if folder else ""
    paths: list[str] = []
    lost: list[UnreadableError] = []
    try:
        for one in _matching(filesystem, base, pattern):
            if not one.is_folder:
                paths.append(one.path)
            elif local:
                inside, unread = _within(_as_base(one.path))
                paths += inside
                lost += unread
            else:
                paths += _below(filesystem, one.path)
    except FileNotFoundError:
        pass  # so nothing matches
    except (OSError, pa.ArrowException) as error:
        raise unreadable(name, error) from None
    if not paths and not lost:
        msg = (
            f"dataset must match files: none matches {redacted(name)!r}; check "
            "the pattern."
        )
        raise FileNotFoundError(msg)
    return Files(filesystem, sorted(set(paths)), base, lost)


class _Match(NamedTuple):
    """What matches a pattern."""

    path: str
    is_folder: bool


def _matching(filesystem: Any, folder: str, pattern: str) -> Iterator[_Match]:
    """What matches a pattern below a folder."""
    import pyarrow.fs as pafs  # noqa: PLC0415 - heavy, and an extra

    part, _, rest = pattern.partition("/")
    selector = pafs.FileSelector(folder.rstrip("/") or folder or ".")
    entries = sorted(filesystem.get_file_info(selector), key=lambda one: one.path)
    for one in entries:
        leaf = one.path.rstrip("/").rpartition("/")[2]
        path = f"{_as_base(folder)}{leaf}" if folder else leaf
        is_folder = one.type == pafs.FileType.Directory
        if leaf.startswith(_HIDDEN) and not part.startswith(_HIDDEN):
            continue
        if part == "**":
            if is_folder:
                yield from _matching(filesystem, path, pattern)
        elif not fnmatchcase(leaf, part):
            continue
        elif not rest:
            yield _Match(path, is_folder)
        elif is_folder:
            yield from _matching(filesystem, path, rest)
    if part == "**":
        yield from _matching(filesystem, folder, rest or "*")


def identity(path: str) -> Any:
    """What is the same for all paths of one local file or folder."""
    return _identity(path, Path(path).stat())


def _identity(path: str, status: os.stat_result) -> Any:
    if not status.st_ino:  # some file systems do not number their files
        return Path(path).resolve()
    return status.st_dev, status.st_ino


def _mode(name: str) -> int:
    """What a local path is; 0 where there is none."""
    try:
        name.encode()  # pyarrow takes no other names
        return Path(name).stat().st_mode if name else 0
    except UnicodeEncodeError as error:
        raise unreadable(ascii(name), error) from None
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return 0
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return 0
        raise unreadable(name, error) from None


def _within(base: str) -> tuple[list[str], list[UnreadableError]]:
    """Every file below a local folder once, by a path without links where it has one.

    Links are followed after all else, so that they add only what lies elsewhere. A
    link to a folder that holds this one is a loop, which adds nothing.
    """
    seen: set[Any] = {identity(str(one)) for one in Path(base).resolve().parents}
    paths: list[str] = []
    lost: list[UnreadableError] = []
    links = deque([base])
    while links:
        below = [links.popleft()]
        found_links: list[str] = []
        while below:
            path = below.pop()
            try:
                path.encode()  # pyarrow takes no other names
                status = Path(path).stat()
                file = _identity(path, status)
                if file in seen:
                    continue
                seen.add(file)
                if stat.S_ISREG(status.st_mode):
                    paths.append(path)
                elif stat.S_ISDIR(status.st_mode):
                    real, linked = _listed(path)
                    below += reversed(real)
                    found_links += linked
            except (OSError, UnicodeEncodeError) as error:
                lost.append(unreadable(ascii(path)[1:-1], error))
        links += sorted(found_links)
    return sorted(paths), lost


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """What a folder holds, in order, and its links."""
    real: list[str] = []
    linked: list[str] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.startswith(_HIDDEN):
                continue
            place = linked if entry.is_symlink() else real
            place.append(f"{_as_base(folder)}{entry.name}")
    return real, linked


def folder_keys(files: Files) -> Iterator[dict[str, str | None]]:
    """What folders such as ``site=north`` say of each file, as text."""
    known: dict[str, dict[str, str | None]] = {}
    for path in files.paths:
        folder = path.rpartition("/")[0]
        if folder not in known:
            known[folder] = _keys_of(path, files.base)
        yield known[folder]


def _keys_of(path: str, base: str) -> dict[str, str | None]:
    keys: dict[str, str | None] = {}
    for part in _parts(path, base)[:-1]:
        written, sign, value = part.partition("=")
        if not sign:
            continue
        try:
            name = unquote(written, errors="strict")
            said = None if value == _NO_VALUE else unquote(value, errors="strict")
        except UnicodeDecodeError:
            msg = (
                f"the names of folders must be UTF-8: {part} in {path} is not; rename "
                "the folder."
            )
            raise ValueError(msg) from None
        if keys.get(name, said) != said:
            msg = (
                f"folders must give a column one value: {name!r} has two in {path}; "
                "rename one of the folders."
            )
            raise ValueError(msg)
        keys[name] = said
    return keys


def are_whole_numbers(values: Iterable[str | None]) -> bool:
    """Whether all are 32-bit integers as they are printed, so that none is another."""
    known = [one for one in values if one is not None]
    return bool(known) and all(
        _WHOLE_NUMBER.fullmatch(one) and -_MOST - 1 <= int(one) <= _MOST
        for one in known
    )


def _parts(path: str, base: str) -> list[str]:
    return path.removeprefix(base).split("/")


def _as_base(folder: str) -> str:
    return folder if folder.endswith("/") else f"{folder}/"


def _absent(names: Sequence[str], why: str = "") -> FileNotFoundError:
    text = ", ".join(repr(redacted(name)) for name in names)
    text += f" ({redacted(' '.join(why.split()).rstrip('.'))})" if why else ""
    return FileNotFoundError(f"dataset must exist: there is no {text}; check the path.")


def _empty(name: str) -> ValueError:
    return ValueError(
        f"dataset must hold files: there is none in {redacted(name)!r}; check the path."
    )
