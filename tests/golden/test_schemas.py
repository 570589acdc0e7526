"""The JSON Schemas say what documents are."""

import copy
import json

import pytest

from xent_metrics import TERMS, Evaluation, ScanState

from ..thinned import thinned
from .cases import DATA, RESULTS, as_json, made
from .test_golden import ONE_WAY

jsonschema = pytest.importorskip("jsonschema")

WRITTEN = sorted((DATA / "golden").rglob("*.json"))
NOW = [name for name in RESULTS if name not in ONE_WAY]
READ_BACK = [path for path in WRITTEN if path.stem not in ONE_WAY]


def reader(document):
    return ScanState if "numbers" in document else Evaluation


def shortened(document):
    """A document with few of its rows, so that a test is quick."""
    rows = document.get("per_sample")
    if rows is not None:
        rows["index"] = rows["index"][:8]
        for column in rows["columns"]:
            column["values"] = column["values"][:8]
    return document


def errors(document):
    """What the schema says against a document."""
    validator = jsonschema.Draft202012Validator(reader(document).json_schema())
    return [error.message for error in validator.iter_errors(document)]


@pytest.mark.parametrize("cls", [Evaluation, ScanState])
def test_schemas_are_schemas_and_plain_json(cls):
    schema = cls.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("path", READ_BACK, ids=lambda path: path.stem)
def test_every_document_that_was_written_is_valid(path):
    assert errors(shortened(json.loads(path.read_text("utf-8")))) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", READ_BACK, ids=lambda path: path.stem)
def test_every_document_that_was_written_is_valid_to_its_last_row(path):
    assert errors(json.loads(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("name", thinned(NOW, quick=["groups", "scan_state"]))
def test_every_document_that_is_written_now_is_valid(name):
    assert errors(json.loads(as_json(made(name)))) == []


def test_every_term_has_its_place():
    schema = Evaluation.json_schema()["properties"]["decomposition"]["properties"]
    assert set(TERMS) <= schema.keys()
    assert set(TERMS) == schema["standard_errors"]["properties"].keys()


def broken(name, *path, to):
    """A golden document with one part replaced, or left out where ``to`` is None."""
    document = json.loads((DATA / "golden" / f"{name}.json").read_text("utf-8"))
    part = document
    for step in path[:-1]:
        part = part[step]
    if to is None:
        del part[path[-1]]
    else:
        part[path[-1]] = copy.deepcopy(to)
    return document


GROUPS, STATE = "chosen_anew/groups", "scan_state"
BROKEN = {
    "no schema": (GROUPS, "schema", None),
    "a schema to come": (GROUPS, "schema", 3),
    "schema 2 without its reference": (GROUPS, "reference", None),
    "a part that is unknown": (GROUPS, "extra", 1),
    "a count below 0": (GROUPS, "decomposition", "n", -1),
    "a term that is text": (GROUPS, "decomposition", "skill", "high"),
    "a term that is missing": (GROUPS, "decomposition", "resolution", None),
    "an unknown term": (GROUPS, "decomposition", "sharpness", 0.1),
    "an error of an unknown term": (
        *(GROUPS, "decomposition", "standard_errors", "sharpness"),
        0.1,
    ),
    "a note that is a number": (GROUPS, "decomposition", "notes", "skill", 1),
    "labels that are no list": (GROUPS, "labels", "ant"),
    "a label of an unknown type": (
        *(GROUPS, "labels", 0),
        {"type": "pickle", "value": ""},
    ),
    "a table without columns": (GROUPS, "per_class", "columns", None),
    "a table that lacks one": (GROUPS, "per_class", "columns", 0, "name", "other"),
    "a column of an unknown kind": (GROUPS, "ladder", "columns", 0, "kind", "text"),
    "a number that is text": (GROUPS, "ladder", "columns", 1, "values", 0, "much"),
    "a map of one knot": (GROUPS, "reference", "knots", [[0.5]]),
    "a frequency that is text": (GROUPS, "reference", "frequencies", 0, "half"),
    "a state to come": (STATE, "schema", 3),
    "a state of schema 2 without its reference": (STATE, "schema", 2),
    "a state without numbers of text": (STATE, "numbers", 1),
    "a state of a negative shape": (STATE, "shapes", "shares", [-3]),
    "a state that is soft by a word": (STATE, "soft", "no"),
    "a state whose count is a share": (STATE, "counts", "n_dropped", 0.5),
    "a state without keys": (STATE, "keys", None),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_the_schema_refuses_is_refused_when_read(how):
    name, *path, to = BROKEN[how]
    document = broken(name, *path, to=to)
    assert errors(shortened(document))
    with pytest.raises(ValueError, match="must be"):
        reader(document).from_json(json.dumps(document))
