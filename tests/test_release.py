"""A release is what it says: one version, one list of requirements, checked steps."""

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
SECTIONS = re.findall(
    r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
)


def text(name):
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no {name}: this is not a clone of the repository")
    return path.read_text("utf-8")


def number(section):
    return tuple(map(int, section.partition(",")[0].split(".")))


def test_each_release_has_a_section_of_changes_the_newest_first():
    for section in SECTIONS:
        assert re.fullmatch(
            r"\d+\.\d+\.\d+, (not yet released|20\d\d-\d\d-\d\d)", section
        )
    assert [*map(number, SECTIONS)] == sorted(map(number, SECTIONS), reverse=True)
    assert SECTIONS[0].startswith(f"{PROJECT['version']}, ")
    assert all("not yet" not in section for section in SECTIONS[1:])


@pytest.mark.skipif(os.environ.get("GITHUB_REF_TYPE") != "tag", reason="no tag")
def test_a_tag_names_the_version_and_its_changes_have_a_date():
    assert os.environ["GITHUB_REF_NAME"] == f"v{PROJECT['version']}"
    assert "not yet" not in SECTIONS[0]


def test_the_version_stands_in_one_place():
    for name in ("CITATION.cff", "conda/meta.yaml", "docs/conf.py"):
        assert PROJECT["version"] not in text(name), name
    assert not re.search(r'__version__ = ["\']', text("xent_metrics/__init__.py"))


def test_one_repository_is_named_everywhere():
    files = [
        *("CITATION.cff", "SECURITY.md", "CODE_OF_CONDUCT.md", "conda/meta.yaml"),
        *("benchmarks/asv.conf.json", ".github/ISSUE_TEMPLATE/config.yml"),
    ]
    for name in files:
        found = re.findall(r"https://github\.com/[\w-]+/[\w-]+", text(name))
        assert set(found) == {REPOSITORY}, name
    for url in PROJECT["urls"].values():
        assert url.startswith((REPOSITORY, "https://xent-metrics.github.io/"))


def requirements(lists):
    """Names and bounds of requirements, in the spelling of conda."""
    found = (re.match(r"([\w-]+)(>=[\d.]+)$", one) for one in lists)
    return {f"{one[1]} {one[2]}" for one in found if one}


def test_the_conda_recipe_requires_what_pyproject_does():
    recipe = text("conda/meta.yaml").replace("matplotlib-base", "matplotlib")
    run, rest = recipe.partition("  run:\n")[2].split("  run_constrained:\n")
    constrained = rest.partition("\ntest:")[0]
    extras = [
        one
        for name, extra in PROJECT["optional-dependencies"].items()
        if name in ("plot", "report", "arrow", "cli", "mlflow")
        for one in extra
    ]
    python = f"python {PROJECT['requires-python']}"
    assert set(re.findall(r"- (.+)", run)) == {
        *requirements(PROJECT["dependencies"]),
        python,
    }
    assert set(re.findall(r"- (.+)", constrained)) == requirements(extras)


def test_workflows_run_environments_that_tox_has():
    tox = text("tox.ini")
    workflow = text(".github/workflows/tests.yml")
    named = re.findall(r"^          - ([\w-]+)$", workflow, re.MULTILINE)
    assert "lint" in named
    for name in named:
        assert re.search(rf"^\[testenv:({{.*\b)?{name}\b", tox, re.MULTILINE), name


def test_every_python_that_is_declared_is_tested():
    declared = [
        one.rpartition(" ")[2]
        for one in PROJECT["classifiers"]
        if re.search(r"Python :: 3\.\d+$", one)
    ]
    tested = re.search(r"python: \[(.*)\]", text(".github/workflows/tests.yml"))[1]
    assert re.findall(r"[\d.]+", tested) == declared


def names_called(source):
    """What is called, by name: of ``pickle.load(x)`` "pickle.load"."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {ast.unparse(call.func) for call in calls}


def test_no_pickle_is_read_and_no_text_is_evaluated_as_security_promises():
    assert "No pickle is read" in text("SECURITY.md")
    refused = re.compile(
        r"(\w*pickle|joblib|dill|marshal|shelve)\.(load|loads|open|Unpickler)"
        r"|(pd|pandas)\.(read_pickle|eval)|eval|exec|compile|.*\.query"
    )
    hints = re.compile(
        r"\b(load|loads|Unpickler|read_pickle|eval|exec|compile|query)\("
    )
    assert refused.fullmatch("pickle.load")
    for folder in ("xent_metrics", "integrations"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text("utf-8")
            if hints.search(source):  # to parse all takes seconds
                found = names_called(source)
                assert not [one for one in found if refused.fullmatch(one)], path
