"""Documents that were cut or edited are read, or refused in one sentence."""

import copy
import json
import random

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation, Monitor, ScanState, accumulate, finish, merge

from ..golden.cases import frame, made
from .harness import Tally

ROWS = frame()
KEYED = {"target": "label", "proba": "p_", "by": ["site", "user"]}
JUNK = [
    *(None, True, False, 0, 1, -1, 2, 3, 0.5, -0.0, 1e308, 10**30, -(2**63), 10**400),
    *("", "nan", "inf", "x", "1", "\ud800", "2026-02-30", "Int64", "object", "number"),
    *("float64", "datetime64[ns, Nowhere]", "period[?]", "int64[pyarrow]", "9" * 5000),
    *([], {}, [[]], [None], [0], [1e308] * 3, {"x": 1}, [{"type": "date"}]),
    *({"type": "date", "value": "x"}, {"type": "NaT", "value": None}),
    *({"type": "Timestamp", "value": [2**70, "s", "UTC"]}, {"type": [], "value": 0}),
    *({"type": "Period", "value": [0, "?"]}, {"type": "decimal", "value": "x"}),
    *({"type": "timedelta", "value": [10**30, 0, 0]}, {"type": "float", "value": 3}),
    *({"type": "Interval", "value": [1, 0, "?"]}, {"type": "bytes", "value": "*"}),
]
WORDS = ["NaN", "Infinity", "1e999", "[" * 10**5, "{", "}", '"', ",", "null", "\x00"]


def evaluations():
    kinds = ("hard_two_classes", "soft_labels", "folds", "scan_of_one_pass")
    found = {name: made(name).to_json() for name in kinds}
    found["with rows"] = made("weights").to_json(per_sample=True)
    found["a decomposition"] = made("bits").decomposition.to_json()
    return found


def states():
    keyed = ROWS.assign(site=ROWS["site"].where(ROWS["user"] > 3))
    day = ROWS["label"].map({"ant": "2026-03-01", "bee": "2026-03-02"})
    timed = keyed.assign(user=day.astype("datetime64[ns, UTC]"))
    first = made("scan_of_one_pass")
    under = {"target": "label", "proba": "p_", "by": "site", "under": first}
    return {
        "states": accumulate(keyed[:40], **KEYED),
        "with times": accumulate(timed[:40], **KEYED),
        "under a map": accumulate(ROWS[:40], **under),
    }


def monitors():
    """One with alarms in two years, and one that was fed nothing."""
    rng = np.random.default_rng(0)
    q = rng.uniform(0.05, 0.95, 1200)
    y = rng.random(1200) < q
    fed = Monitor(Evaluation.from_predictions(y[:1000], q[:1000]), periods=2)
    for when in (*pd.date_range("2026-03-02", periods=2), "later"):
        fed.update(np.tile(~y[1000:], 3), np.tile(q[1000:], 3), when=when)
    new = Monitor(made("hard_three_classes"), terms=("refinement",))
    return {"with alarms": fed.to_json(), "new": new.to_json()}


def places(document):
    """Each container in a document, with each of its keys."""
    stack, found = [document], []
    while stack:
        one = stack.pop()
        keys = one if isinstance(one, dict) else range(len(one))
        found += [(one, key) for key in keys]
        stack += [one[key] for key in keys if isinstance(one[key], (dict, list))]
    return found


def edited(document, draw):
    """A document in which one part is another, or is missing."""
    found = copy.deepcopy(document)
    everywhere = places(found)
    # Half of the edits are near the top: tables have many more places.
    some = [place for place in everywhere if isinstance(place[0], dict)]
    where, key = draw.choice(draw.choice([everywhere, some, places_of(found)]))
    match draw.randrange(6):
        case 0:
            del where[key]
        case 1:
            other, theirs = draw.choice(everywhere)
            where[key] = copy.deepcopy(other[theirs])
        case 2 if isinstance(where, dict):
            where[draw.choice(["x", "schema", "value"])] = where.pop(key)
        case 3 if isinstance(where, list):
            where.insert(key, where[key])
        case _:
            where[key] = copy.deepcopy(draw.choice(JUNK))
    return found


def places_of(document):
    return [(document, key) for key in document]


def torn(text, draw):
    """A text that is cut, or has another word in it."""
    at = draw.randrange(len(text))
    match draw.randrange(4):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + draw.choice(WORDS) + text[at:]
        case 2:
            return text[:at] + draw.choice(WORDS) + text[at + draw.randrange(9) :]
        case _:
            first, rest = text[:-1].split(":", 1)
            return f"{first}:{rest}, {first[1:]}: 1}}"


def mutated(text, trial):
    """The text of a document, changed in one or two places, and how."""
    draw = random.Random(trial)  # noqa: S311 - no secret
    if draw.random() < 0.2:
        return torn(text, draw)
    document = json.loads(text)
    for _ in range(draw.choice([1, 1, 2])):
        if document:
            document = edited(document, draw)
    return written(document)


def written(document):
    try:
        return json.dumps(document)
    except ValueError:  # a whole number of more digits than Python writes
        return json.dumps(document, default=str)


def use_evaluation(text):
    found = Evaluation.from_json(text)
    repr(found)
    found.summary()
    found.to_markdown()
    found.decomposition.ci()
    assert Evaluation.from_json(found.to_json(per_sample=True)) == found


def use_state(found):
    repr(found)
    assert ScanState.from_json(found.to_json()).to_json() == found.to_json()
    merge([found, found])
    if not found.contract.under:
        repr(finish(found, recalibration="none"))
        repr(finish(found, recalibration="temperature").by_group)


def use_monitor(text):
    found = Monitor.from_json(text)
    repr(found)
    found.to_dict()
    found.to_frame()
    assert Monitor.from_json(found.to_json()).to_json() == found.to_json()
    if found.labels == (False, True):
        found.update([True, False], [0.3, 0.6], groups=[0, 1])


def test_monitors_are_read_or_refused():
    tally, texts = Tally(), monitors()
    for family, text in texts.items():
        for trial in tally.trials(120):
            changed = mutated(text, trial)
            tally.add(family, trial, lambda it=changed: use_monitor(it))
    refused = [(family, "refused") for family in texts]
    tally.check(at_least=[*refused, ("with alarms", "done")])


def test_evaluations_are_read_or_refused():
    tally, texts = Tally(), evaluations()
    for family, text in texts.items():
        for trial in tally.trials(90):
            changed = mutated(text, trial)
            tally.add(family, trial, lambda it=changed: use_evaluation(it))
    refused = [(family, "refused") for family in texts]
    tally.check(at_least=[*refused, ("with rows", "done"), ("folds", "done")])


def test_states_are_read_or_refused():
    tally, made_of = Tally(), states()
    for family, state in made_of.items():
        text = state.to_json()
        for trial in tally.trials(120):
            changed = mutated(text, trial)
            tally.add(
                family, trial, lambda it=changed: use_state(ScanState.from_json(it))
            )
    refused = [(family, "refused") for family in made_of]
    tally.check(at_least=[*refused, ("states", "done"), ("with times", "done")])


def test_batches_are_read_or_refused():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    tally, batch = Tally(), states()["states"].to_arrow()
    (row,) = batch.to_pylist()
    for trial in tally.trials(100):
        draw = random.Random(trial)  # noqa: S311 - no secret
        found = dict(row, header=mutated(row["header"], trial))
        if trial % 4 == 0:
            at = draw.randrange(len(row["numbers"]))
            numbers = bytearray(row["numbers"])
            numbers[at : at + 8] = draw.randbytes(draw.choice([0, 8, 8, 8]))
            found = dict(row, numbers=bytes(numbers))
        table = pa.Table.from_pylist([found])
        tally.add(
            "batches", trial, lambda it=table: use_state(ScanState.from_arrow(it))
        )
    tally.check(at_least=[("batches", "refused"), ("batches", "done")])


def test_documents_of_one_kind_are_not_read_as_another():
    for text in evaluations().values():
        with pytest.raises(ValueError, match="a state must be read from what to_json"):
            ScanState.from_json(text)
    for text in monitors().values():
        with pytest.raises(ValueError, match="text must be the whole JSON of an eval"):
            Evaluation.from_json(text)
    for state in states().values():
        with pytest.raises(ValueError, match="text must be the whole JSON of a monit"):
            Monitor.from_json(state.to_json())
        with pytest.raises(ValueError, match="text must be the whole JSON of an eval"):
            Evaluation.from_json(state.to_json())
