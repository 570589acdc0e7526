"""What tests share: few examples, no deadlines, and Chromium where it is."""

import contextlib
import os
import shutil
import tempfile

import pytest

with contextlib.suppress(ImportError):
    from hypothesis import settings

    # Machines are slow at times, which is no fault of what is tested.
    n_examples = 40 if "XENT_METRICS_FUZZ" in os.environ else 15
    settings.register_profile("any machine", deadline=None, max_examples=n_examples)
    settings.load_profile("any machine")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    driver = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: pages are not looked at")
    with tempfile.TemporaryDirectory() as home, driver.sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=CHROMIUM,
            args=FLAGS,
            env={"HOME": home, "PATH": "/usr/bin:/bin"},
        )
        yield started
        started.close()
