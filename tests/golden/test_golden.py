"""Results are what they were, and what was written before is still read."""

import json
import math
import pickle
import pickletools

import numpy as np
import pytest

from xent_metrics import Evaluation, Recalibrator, ScanState

from .cases import CLASSES, DATA, MAPS, OTHERS, RESULTS, as_json, bold, classes_of, made

# Standard errors that were wrong then: CHANGELOG.md says why.
MENDED = {"few_votes": ("entropy", "kl_divergence", "irreducible", "grouping_loss")}

each_result = pytest.mark.parametrize("name", RESULTS)
# Terms, and a note, that old documents lack.
LATER = {"overconfidence", "underconfidence", "n_clipped"}
ONE_WAY = ("ensemble", "comparison")  # JSON that is not read back
each_pickle = pytest.mark.parametrize("name", [*RESULTS, *OTHERS])


def differences(found, expected, where="result"):
    """Where two documents differ by more than two ways to add numbers up."""
    if isinstance(expected, dict) and isinstance(found, dict):
        found = {
            key: found[key] for key in found if key in expected or key not in LATER
        }
        if found.keys() != expected.keys():
            return [f"{where}: keys {sorted(found)} for {sorted(expected)}"]
        pairs = ((f"{where}.{key}", found[key], expected[key]) for key in expected)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(found) != len(expected):
            return [f"{where}: {len(found)} entries for {len(expected)}"]
        pairs = (
            (f"{where}[{place}]", *both)
            for place, both in enumerate(zip(found, expected, strict=True))
        )
    else:
        return [] if _same(found, expected) else [f"{where}: {found} for {expected}"]
    return [line for where, *both in pairs for line in differences(*both, where)]


def _same(found, expected):
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, str) and isinstance(found, str) and " " in expected:
        return " " in found  # a sentence may be reworded
    return type(found) is type(expected) and found == expected


def without(names, found):
    """A document without the standard errors of these terms."""
    errors = found["decomposition"]["standard_errors"]
    columns = [
        column
        for column in found["per_class"]["columns"]
        if column["name"] not in {f"{name}_se" for name in names}
    ]
    kept = {name: error for name, error in errors.items() if name not in names}
    return {
        **found,
        "decomposition": {**found["decomposition"], "standard_errors": kept},
        "per_class": {**found["per_class"], "columns": columns},
    }


def document(text, name=""):
    """JSON with the numbers of a state, which are bytes there, as numbers."""
    found = json.loads(text)
    # Schema 2 adds the map of others, and the name of that which states are under.
    if not found.keys().isdisjoint(("reference", "ladder", "numbers")):
        found.pop("reference", None)
        assert found.pop("schema") in (1, 2)
    if name == "comparison":  # its document was written before it named the map
        assert found.pop("recalibration", "temperature") == "temperature"
        found.pop("own_recalibrations", None)
    if "numbers" in found:
        state = ScanState.from_json(text)
        found["numbers"] = document(made_of(state))
    return found


def made_of(state):
    from xent_metrics import finish  # noqa: PLC0415 - what users see of a state

    return finish(state, recalibration="none").to_json()


def golden(name):
    return (DATA / "golden" / f"{name}.json").read_text()


def expected_now(name):
    """What is expected since the map of several classes is chosen from more."""
    anew = DATA / "golden" / "chosen_anew" / f"{name}.json"
    return anew.read_text() if anew.exists() else golden(name)


def unpickled(name):
    content = (DATA / "pickles" / f"{name}.pickle").read_bytes()
    return pickle.loads(content)  # noqa: S301 - of this project


@each_result
def test_numbers_are_what_they_were(name):
    found = document(as_json(made(name)), name)
    expected = document(expected_now(name))
    if name in MENDED:
        found, expected = without(MENDED[name], found), without(MENDED[name], expected)
    assert differences(found, expected) == []


@pytest.mark.parametrize("name", [n for n in RESULTS if n not in ONE_WAY])
def test_json_of_before_is_read(name):
    text = golden(name)
    read = ScanState if name == "scan_state" else Evaluation
    assert differences(document(as_json(read.from_json(text))), document(text)) == []


@each_result
def test_pickles_of_before_hold_the_same_numbers(name):
    found = document(as_json(unpickled(name)), name)
    assert differences(found, document(golden(name))) == []


@pytest.mark.parametrize("k", MAPS)
def test_maps_of_pickles_of_before_predict(k):
    q = bold(classes_of(k))[::50]
    for name in MAPS[k]:
        before, now = unpickled(f"map_{name}"), made(f"map_{name}")
        assert before.recalibration == now.recalibration == name
        np.testing.assert_allclose(
            before.recalibrator().predict_proba(q),
            now.recalibrator().predict_proba(q),
            rtol=1e-9,
        )


def test_other_objects_of_pickles_of_before():
    recalibrator = unpickled("recalibrator")
    assert isinstance(recalibrator, Recalibrator)
    assert recalibrator.labels == tuple(CLASSES[2])
    for name in ("term_scorer", "decomposition_scorer"):
        assert repr(unpickled(name)) == repr(made(name))


@each_pickle
def test_pickles_name_no_place_that_may_move(name):
    for content in (
        (DATA / "pickles" / f"{name}.pickle").read_bytes(),
        pickle.dumps(made(name), protocol=4),
    ):
        assert modules_named_in(content) <= {
            "xent_metrics",
            "xent_metrics.scorers",
            "xent_metrics._pickling",
        }


def modules_named_in(content):
    """The modules of this package that a pickle imports from."""
    texts, found = [], set()
    for code, given, _ in pickletools.genops(content):
        if "UNICODE" in code.name:
            texts.append(given)
        elif code.name == "STACK_GLOBAL":
            found.add(texts[-2])
        elif code.name == "MEMOIZE":
            continue
        elif "GET" in code.name:
            texts.append(None)
    return {name for name in found if name and name.startswith("xent")}
