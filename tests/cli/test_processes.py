"""The command line in a process of its own, on a terminal and off it."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from xent_metrics.__main__ import main

PROGRAM = [sys.executable, "-m", "xent_metrics"]
ARGS = ["evaluate", "preds.csv", "--target", "label", "--proba", "p_"]
FAST = ["--recalibration", "temperature"]


def process(args, environment, **options):
    return subprocess.run(
        [*PROGRAM, *args],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.mark.slow
def test_the_version_is_printed(environment):
    done = process(["--version"], environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "xent-metrics 0.1.0\n"


def test_the_script_is_the_module():
    [script] = entry_points(group="console_scripts", name="xent-metrics")
    assert script.load() is main


@pytest.mark.slow
def test_nothing_more_is_said_where_nobody_watches(folder, environment):
    done = process([*ARGS, *FAST, "--json"], environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["decomposition"]["n"] == 300


def test_standard_input_is_read_and_a_gate_sets_the_exit_code(folder, environment):
    text = (folder / "preds.csv").read_text()
    args = ["evaluate", "-", *ARGS[2:], *FAST, "--fail-if", "miscalibration>0"]
    done = process(args, environment, input=text)
    assert done.returncode == 1
    assert done.stdout.startswith("Decomposition of a cross-entropy of ")
    assert done.stderr.startswith("failed: miscalibration > 0 holds: found 0.")


@pytest.mark.slow
def test_a_file_on_standard_input_is_not_overwritten_by_its_page(folder, environment):
    before = (folder / "preds.csv").read_bytes()
    with (folder / "preds.csv").open("rb") as file:
        done = process(
            ["evaluate", "-", *ARGS[2:], "--html", "preds.csv"],
            environment,
            stdin=file,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert "'preds.csv' is standard input; pass another name" in done.stderr
    assert (folder / "preds.csv").read_bytes() == before


@pytest.mark.slow
def test_standard_output_is_no_place_for_a_page(folder, environment):
    done = process([*ARGS, "--html", "/dev/stdout"], environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'/dev/stdout' is a device, a pipe or a socket; pass" in done.stderr


@pytest.mark.slow
def test_an_error_is_no_traceback(folder, environment):
    done = process(["evaluate", "gone.csv", *ARGS[2:]], environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "xent-metrics: FILE must exist: there is no 'gone.csv'; check the path.\n"
    )


def test_help_tells_commands_options_and_exit_codes(run):
    whole = run("--help").stdout
    for text in ("Examples", "--fail-if", "Exit codes", "0  all is well"):
        assert text in whole
    assert "1  a condition of --fail-if holds, or cannot be computed" in whole
    assert "2  wrong usage or wrong input" in whole
    for command in ("evaluate", "compare"):
        done = run(command, "--help", env={"COLUMNS": "80"})
        assert done.exit_code == 0
        assert "Exit codes" in done.stdout
        examples = done.stdout.partition("\n  Examples\n")[2]
        assert examples.startswith(f"    xent-metrics {command} ")
        assert all(len(line) <= 80 for line in done.stdout.splitlines())


pty = pytest.importorskip("pty")


def on_a_terminal(args, environment, *, out):
    """What a process writes to a terminal of 80 columns, and to its other stream."""
    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    streams["stdout" if out else "stderr"] = theirs
    terminal = environment | {"TERM": "xterm", "COLUMNS": "80"}
    child = subprocess.Popen([*PROGRAM, *args], env=terminal, **streams)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # what Linux says at the end
            break
        if not part:
            break
        shown += part
    os.close(ours)
    other = b"".join(each for each in child.communicate(timeout=120) if each)
    assert child.returncode == 0, other
    return shown.decode(), other.decode()


@pytest.mark.slow
def test_progress_on_a_terminal_leaves_the_document_alone(folder, environment):
    shown, document = on_a_terminal([*ARGS, *FAST, "--json"], environment, out=False)
    assert "reading preds.csv" in shown
    assert "decomposing" in shown
    assert json.loads(document)["decomposition"]["n"] == 300


@pytest.mark.slow
def test_tables_fit_a_terminal(folder, environment):
    args = [*ARGS, *FAST, "--by", "site", "--by-class", "--n-worst", "2"]
    shown, other = on_a_terminal(args, environment, out=True)
    assert other == ""
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "Decomposition of a cross-entropy of" in text
    assert "95% interval" in text
    assert re.search(r"\+ miscalibration +0\.\d{4} +0\.\d{4} to 0\.\d{4}", text)
    assert "recalibration map: temperature" in text
    for heading in ("By site, in nats", "By class, in nats", "The most costly rows"):
        assert heading in text


@pytest.mark.slow
def test_a_comparison_is_shown_on_a_terminal(folder, environment):
    args = ["compare", "preds.csv", *ARGS[2:], "--proba", "q_"]
    shown, other = on_a_terminal(args, environment, out=True)
    assert other == ""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "Comparison of 2 models on 300 rows" in text
    assert re.search(r"-0\.\d{4} ± 0\.\d{4}", text)
