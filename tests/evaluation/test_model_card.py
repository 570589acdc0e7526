import json

import pytest

from xent_metrics import TERMS, Evaluation

NAMES = {"model": 'a "b": c', "dataset": "org/march"}


@pytest.fixture(scope="module")
def evaluation():
    return Evaluation.from_predictions([0, 1] * 200, [0.2, 0.7] * 200)


def test_a_model_card_has_the_fields_of_a_model_index(evaluation):
    lines = evaluation.to_model_card(**NAMES).splitlines()
    end = lines.index("---", 1)
    metrics = lines[lines.index("    metrics:") + 1 : end]
    types = [line.removeprefix("    - type: ") for line in metrics[::3]]
    values = [float(line.removeprefix("      value: ")) for line in metrics[2::3]]
    finite = [name for name, term in TERMS.items() if not term.needs_soft_labels]
    assert types == finite
    assert values == [evaluation.terms[name] for name in finite]
    assert json.loads(lines[2].removeprefix("- name: ")) == NAMES["model"]
    assert '      split: "test"' in lines
    assert lines[end + 2] == "## Evaluation"
    assert any(line.startswith("| miscalibration | ") for line in lines)


def test_yaml_reads_it(evaluation):
    yaml = pytest.importorskip("yaml")
    _, head, _ = evaluation.to_model_card(**NAMES, split="a: b").split("---\n", 2)
    [entry] = yaml.safe_load(head)["model-index"]
    [result] = entry["results"]
    assert entry["name"] == NAMES["model"]
    assert result["task"] == {"type": "tabular-classification"}
    assert result["dataset"] == {
        "type": "org/march", "name": "org/march", "split": "a: b",
    }  # fmt: skip
    found = {one["type"]: one["value"] for one in result["metrics"]}
    assert found == {name: evaluation.terms[name] for name in found}
    assert result["metrics"][0]["name"] == "cross-entropy (nats)"


def test_names_are_text(evaluation):
    with pytest.raises(TypeError, match="model must be text: found 1 of type int"):
        evaluation.to_model_card(model=1, dataset="march")
    with pytest.raises(ValueError, match="split must be a name: found ' '; pass one"):
        evaluation.to_model_card(**NAMES, split=" ")
