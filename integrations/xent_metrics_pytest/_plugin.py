"""The hooks of pytest, and the fixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from ._gates import Gates
from ._ledger import STATUSES, UPDATED, Ledger, records_of
from ._text import markdown

_ALPHA = 0.05
_LEDGER = pytest.StashKey[Ledger]()
_CACHE = "xent/checks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line."""
    group = parser.getgroup("xent", "gates of models (xent-metrics)")
    group.addoption(
        "--xent-insufficient",
        choices=("fail", "warn", "skip"),
        default="warn",
        help="What becomes of a test whose rows do not tell whether a check holds.",
    )
    group.addoption(
        "--xent-update",
        action="store_true",
        help="Write the baselines that tests compare with, and show what changed.",
    )
    group.addoption(
        "--xent-checks",
        type=int,
        metavar="M",
        help="How many terms the session compares with baselines. Default: as many as "
        "each test did when it was last run.",
    )
    group.addoption(
        "--xent-summary",
        metavar="FILE",
        help="Write the checks as a table in Markdown, at the end of the file if it "
        "exists.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the ledger of the session."""
    declared = config.getoption("--xent-checks")
    if declared is not None and declared < 1:
        msg = f"--xent-checks must be 1 or more: found {declared}; count the terms."
        raise pytest.UsageError(msg)
    _check_summary(config.getoption("--xent-summary"))
    cache = getattr(config, "cache", None)
    config.stash[_LEDGER] = Ledger(
        alpha=_ALPHA,
        insufficient=config.getoption("--xent-insufficient"),
        update=config.getoption("--xent-update"),
        declared=declared,
        known={} if cache is None else cache.get(_CACHE, {}),
    )
    if not hasattr(config, "workerinput"):  # the workers of xdist report to it
        config.pluginmanager.register(_Gatherer(config), "xent-gatherer")


def _check_summary(file: str | None) -> None:
    """Refuse a file that cannot be written, before any test runs."""
    if file is None:
        return
    path = Path(file).absolute()
    if path.is_dir() or not path.parent.is_dir():
        msg = (
            "--xent-summary must name a file in a folder that exists: found "
            f"{file!r}; pass a file such as summary.md."
        )
        raise pytest.UsageError(msg)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Count what is going to be checked: the same in every process."""
    tests = [
        item.nodeid
        for item in session.items
        if "xent" in getattr(item, "fixturenames", ())
    ]
    session.config.stash[_LEDGER].plan(tests)


@pytest.fixture
def xent(request: pytest.FixtureRequest) -> Gates:
    """Check models: ``xent.check(...)`` and ``xent.no_worse(...)``."""
    return Gates(request.node, request.config.stash[_LEDGER])


class _Gatherer:
    """What the process that pytest was started in does with the reports of all."""

    def __init__(self, config: pytest.Config) -> None:
        self._ledger = config.stash[_LEDGER]
        self._config = config
        self._updates: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the checks of a test, once it is over."""
        if report.when != "teardown":
            return
        self._ledger.records += records_of(report.nodeid, report.user_properties)
        self._updates += [
            str(text) for name, text in report.user_properties if name == UPDATED
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Complete Holm's procedure, and remember how many checks each test made."""
        ledger = self._ledger
        if ledger.late() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        cache = getattr(self._config, "cache", None)
        if cache is not None and ledger.records and not ledger.update:
            cache.set(_CACHE, {**ledger.known, **ledger.counts()})
        file = self._config.getoption("--xent-summary")
        if file is not None:
            with Path(file).open("a", encoding="utf-8") as opened:
                opened.write(markdown(ledger.records))

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Say what came of the checks."""
        ledger = self._ledger
        if not ledger.records:
            return
        terminalreporter.section("checks of models")
        outcomes = [one.outcome for one in ledger.records]
        counts = [(outcomes.count(status), status) for status in STATUSES]
        told = ", ".join(f"{n} {status}" for n, status in counts if n)
        plural = "s" if len(outcomes) > 1 else ""
        terminalreporter.line(f"{len(outcomes)} check{plural}: {told}")
        for text in self._updates:
            terminalreporter.line(text)
        for one in ledger.late():
            terminalreporter.line(
                f"FAILED {one.test}: {one.of}: {one.why}, p = {one.pvalue:.4f}: it "
                f"fails now that all checks are known, {len(ledger.compared)} in number"
            )
        if ledger.declared is not None and len(ledger.compared) > ledger.declared:
            terminalreporter.line(
                f"--xent-checks must be as many as there are: found {ledger.declared}, "
                f"and {len(ledger.compared)} checks against baselines; pass that, or "
                "the session fails too often."
            )
