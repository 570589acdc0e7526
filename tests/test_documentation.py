"""Every example of the documentation is one that runs."""

import ast
import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path
    for folder in ("xent_metrics", "integrations")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


@pytest.fixture(scope="module")
def collectors(pytestconfig):
    """What collects the examples of docstrings, and of pages."""
    root = pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    return root.docstrings, root.pages


def examples_in(path):
    """How many statements with a prompt the docstrings of a file hold."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(tree)
        if isinstance(node, documented)
    ]
    parse = doctest.DocTestParser().get_examples
    return sum(len(parse(text)) for text in texts)


def collected_from(collector, path):
    if not collector.should_parse(path):
        return 0
    return len(list(collector.parse(path).examples()))


@pytest.mark.slow
def test_all_examples_of_docstrings_are_collected(collectors):
    docstrings, _ = collectors
    found = {path: collected_from(docstrings, path) for path in SOURCES}
    assert found == {path: examples_in(path) for path in SOURCES}
    assert sum(found.values()) >= 339  # as of version 0.1.0


def examples_of_page(path):
    """Statements with a prompt, blocks without one, and marks of what is skipped."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prompts = [block.count(">>> ") for block in blocks]
    return sum(n or 1 for n in prompts) + text.count("<!-- skip: ")


def test_all_code_blocks_of_pages_are_collected(collectors):
    _, pages = collectors
    found = {path: collected_from(pages, path) for path in PAGES}
    assert found == {path: examples_of_page(path) for path in PAGES}
