"""The help of every command of the command line, as its users see it."""

import importlib
import os
import subprocess
import sys

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

_WIDTH = "80"


def _help_of(*words: str) -> str:
    plain = {"COLUMNS": _WIDTH, "TERMINAL_WIDTH": _WIDTH, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "xent_metrics", *words, "--help"]
    return subprocess.run(  # noqa: S603 - this project's own command
        command,
        check=True,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | plain | {"PYTHONIOENCODING": "utf-8"},
    ).stdout


class CommandHelp(Directive):
    """One section a command, after the help that lists them."""

    def run(self) -> list[nodes.Node]:
        """Run each command with --help."""
        typer = importlib.import_module("typer.main")
        app = importlib.import_module("xent_metrics._cli.app").app
        found: list[nodes.Node] = [_literal(_help_of())]
        for name in getattr(typer.get_command(app), "commands", {}):
            section = nodes.section(ids=[nodes.make_id(name)], names=[name])
            section += nodes.title(text=f"xent-metrics {name}")
            section += _literal(_help_of(name))
            found.append(section)
        return found


def _literal(text: str) -> nodes.literal_block:
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return nodes.literal_block(lines, lines, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
