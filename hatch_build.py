"""Builds the compiled kernels into a wheel, where a compiler is at hand.

Without one, or on a platform that they were not written for, the wheel is pure and all
works at the speed of numpy. ``XENT_METRICS_BUILD=require`` makes that an error, and
``XENT_METRICS_BUILD=pure`` asks for it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOM = Path("xent_metrics", "_kernels", "compiled")
LIBRARY = "_rows.abi3.so"
WHY_NOT = "why_not.txt"  # in the room, where nothing was compiled

# No -march=native: what a wheel needs is chosen when it runs.
FLAGS = (
    *("-O3", "-std=c++17", "-fPIC", "-fvisibility=hidden", "-falign-loops=64"),
    *("-fno-exceptions", "-fno-rtti", "-fno-math-errno", "-fno-trapping-math"),
    *(
        "-ffp-contract=fast",
        "-Wall",
        "-Wextra",
        "-Wno-psabi",
        "-Wno-ignored-attributes",
    ),
)
# The name in the code, doubles per vector, and how it is built, of each level.
LEVELS = {
    "x86_64": (
        ("baseline", 2, ("-march=x86-64",)),
        ("v3", 4, ("-march=x86-64-v3",)),
        ("v4", 8, ("-march=x86-64-v4", "-mprefer-vector-width=512")),
    ),
    "aarch64": (("baseline", 2, ()),),
}
MACHINES = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "arm64": "aarch64",
    "aarch64": "aarch64",
}
MACOS = ("11.0", "11_0")  # the oldest that both architectures run


class NotCompiledError(RuntimeError):
    """Why this platform has no compiled kernels."""


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds compiled kernels to a wheel, or to the sources of an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what the wheel then runs on."""
        if self.target_name != "wheel":
            return
        asked = os.environ.get("XENT_METRICS_BUILD", "")
        room = Path(self.root) / ROOM
        editable = version == "editable"
        self._folder = tempfile.TemporaryDirectory()
        library = (room if editable else Path(self._folder.name)) / LIBRARY
        try:
            if asked == "pure":
                msg = "XENT_METRICS_BUILD=pure asked for none"
                raise NotCompiledError(msg)  # noqa: TRY301
            compile_into(library, room)
        except NotCompiledError as reason:
            if asked == "require":
                raise
            self.app.display_warning(f"without compiled kernels: {reason}")
            if editable:
                (room / LIBRARY).unlink(missing_ok=True)
                (room / WHY_NOT).write_text(f"{reason}\n", "utf-8")
            else:
                note = Path(self._folder.name) / WHY_NOT
                note.write_text(f"{reason}\n", "utf-8")
                build_data["force_include"][str(note)] = str(ROOM / WHY_NOT)
            return
        (room / WHY_NOT).unlink(missing_ok=True)
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{platform_tag()}"
        if not editable:
            build_data["force_include"][str(library)] = str(ROOM / LIBRARY)

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        """Remove what was compiled outside the wheel."""
        del version, build_data, artifact_path
        if self.target_name == "wheel":
            self._folder.cleanup()


def compile_into(library: Path, room: Path) -> None:
    """Build the library from the sources in this room."""
    machine = MACHINES.get(platform.machine().lower(), "")
    compiler = os.environ.get("CXX") or shutil.which("c++")
    headers = sysconfig.get_path("include")
    if sys.platform == "win32" or not machine:
        msg = f"they are not written for {sys.platform} on {platform.machine()}"
        raise NotCompiledError(msg)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        msg = "a free-threaded Python does not load them"
        raise NotCompiledError(msg)
    if not compiler:
        msg = "no C++ compiler was found; install one, or set CXX"
        raise NotCompiledError(msg)
    if not Path(headers, "Python.h").is_file():
        msg = f"no Python.h in {headers}; install the headers of this Python"
        raise NotCompiledError(msg)
    start = [*shlex.split(compiler), *FLAGS]
    if sys.platform == "darwin":
        start.append(f"-mmacosx-version-min={MACOS[0]}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works = [
            [
                *start,
                *flags,
                f"-DXENT_LEVEL={level}",
                f"-DXENT_WIDTH={width}",
                "-c",
                str(room / f"{source}.cpp"),
                "-o",
                str(folder / f"{source}-{level}.o"),
            ]
            for level, width, flags in LEVELS[machine]
            for source in ("pass", "softmax", "members")
        ]
        sources = f'-DXENT_SOURCES="{hash_of_sources(room)}"'
        works.append(
            [
                *start,
                f"-I{headers}",
                sources,
                "-c",
                str(room / "module.cpp"),
                "-o",
                str(folder / "module.o"),
            ]
        )
        cells = [str(room / "cells.cpp"), "-o", str(folder / "cells.o")]
        works.append([*start, "-ffp-contract=off", "-c", *cells])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(run, works))
        objects = [work[-1] for work in works]
        if sys.platform == "darwin":
            link = ["-bundle", "-undefined", "dynamic_lookup"]
        else:
            link = ["-shared", "-s", "-Wl,--as-needed"]
        built = folder / LIBRARY
        run([*start, *link, *objects, "-o", str(built)])
        # A process that has loaded an older library keeps that file.
        beside = library.with_suffix(".new")
        shutil.copyfile(built, beside)
        beside.chmod(0o755)
        beside.replace(library)


def run(command: list[str]) -> None:
    """Run a compiler."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        msg = f"{command[0]} cannot be run: {error}"
        raise NotCompiledError(msg) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        why = lines[0] if lines else f"exit code {done.returncode}"
        msg = f"{command[0]} failed: {why}"
        raise NotCompiledError(msg)


def hash_of_sources(room: Path) -> str:
    """What the sources are told by, as in the room's ``compiled_pass.py``."""
    digest = hashlib.sha256()
    for path in sorted([*room.glob("*.cpp"), *room.glob("*.hpp")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def platform_tag() -> str:
    """The platform of this wheel's tag."""
    if sys.platform == "darwin":
        return f"macosx_{MACOS[1]}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
