"""The command line where its extra is not installed."""

import importlib.util

import pytest

from xent_metrics.__main__ import main


@pytest.mark.parametrize("name", ["typer", "rich", "pyarrow"])
def test_one_line_says_that_the_extra_is_missing(name, monkeypatch, capsys):
    def find(wanted, *args):
        return None if wanted == name else object()

    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"xent-metrics: the command line needs the extra 'cli': {name} is not "
        "installed; pip install 'xent-metrics[cli]'.\n"
    )
