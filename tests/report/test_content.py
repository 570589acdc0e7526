"""What a page says: sentences and tables, before they are HTML."""

import dataclasses

import numpy as np
import pytest

from xent_metrics import Evaluation, SmallSampleWarning

# Nothing public gives what a page says before it is HTML.
from xent_metrics._report.content import content
from xent_metrics._report.formatting import number, share

from ..draws import labels_from
from .conftest import cells_by_title as rows


def sections(page):
    return {section.ident: section for section in (*page.first, *page.then)}


def test_sections_have_an_order_and_the_page_a_default_title(hard):
    page = content(hard)
    assert [section.ident for section in page.first] == ["terms", "ladder"]
    assert [section.ident for section in page.then] == ["classes", "worst", "counted"]
    loss = hard.decomposition.cross_entropy
    assert page.title == f"What a log loss of {loss:.3f} nats is made of"
    assert content(hard, title="Ours").title == "Ours"
    assert content(hard, title="\u202esruO").title == r"\u202esruO"


def test_terms_add_up_with_intervals_and_meanings(hard):
    (identity, beside) = sections(content(hard))["terms"].tables
    found = {row["Term"]: row for row in rows(identity)}
    assert list(found) == [
        "cross-entropy",
        "= uncertainty",
        "\N{MINUS SIGN} resolution",
        "+ miscalibration",
        "overconfidence",
        "underconfidence",
    ]
    result = hard.decomposition
    low, high = result.ci()["miscalibration"]
    won = found["+ miscalibration"]
    assert won["Value (nats)"] == f"{result.miscalibration:.4f}"
    assert won["95% interval"] == f"{number(low, 4)} to {number(high, 4)}"
    assert won["Meaning"] == "what recalibration alone would remove"
    assert [row["Term"] for row in rows(beside)] == [
        "refinement",
        "skill",
        "predictive entropy",
        "calibration gap",
    ]


def test_terms_of_soft_targets_come_first(soft):
    finer, coarser, beside = sections(content(soft))["terms"].tables
    assert [row["Term"] for row in rows(finer)] == [
        "cross-entropy",
        "= irreducible",
        "+ grouping loss",
        "+ miscalibration",
        "overconfidence",
        "underconfidence",
    ]
    assert rows(coarser)[1]["Term"] == "= uncertainty"
    assert rows(beside)[0]["Term"] == "KL divergence"


def test_votes_are_the_annotators_own():
    votes, q = [[5, 1], [1, 5]] * 100, [[0.7, 0.3], [0.2, 0.8]] * 100
    for options in ({}, {"vote_correction": "miller-madow"}):
        evaluation = Evaluation.from_predictions(
            votes, q, target_type="votes", **options
        )
        assert "the annotators' own disagreement" in content(evaluation).headline
    back = Evaluation.from_json(evaluation.to_json())
    assert "the annotators' own disagreement" in content(back).headline


def rare(n_rare=60):
    """A rare class whose rows cost much, beside a common one that costs more in all."""
    y = ["common"] * 540 + ["rare"] * n_rare
    q = [[0.7, 0.3]] * 540 + [[0.6, 0.4], [0.3, 0.7]] * (n_rare // 2)
    return Evaluation.from_predictions(y, q, labels=["common", "rare"])


def test_classes_that_cost_more_than_their_part_come_first():
    evaluation = rare()
    section = sections(content(evaluation))["classes"]
    (table,) = section.tables
    weight = evaluation.by_class["weight"]
    held = weight * evaluation.by_class["cross_entropy"]
    held = held / held.sum()
    assert held["common"] > held["rare"]
    assert [row["Class"] for row in rows(table)] == ["rare", "common"]
    first, last = rows(table)
    assert first["Part of the loss"] == share(held["rare"])
    excess = 100 * (held["rare"] - weight["rare"])
    assert first["Less its part of the rows"] == f"{excess:+.1f}%"
    assert last["Less its part of the rows"] == f"\N{MINUS SIGN}{excess:.1f}%"
    (said,) = section.sentences
    assert said == (
        "Class “rare” costs most beyond its part of the rows: "
        f"{share(held['rare'])} of the loss, with 10% of the weight."
    )


def test_classes_that_cost_their_part_are_not_accused(hard):
    section = sections(content(hard))["classes"]
    assert section.sentences == (
        "No class of 3 clearly costs more than its part of the rows.",
    )
    (table,) = section.tables
    excess = [
        float(row["Less its part of the rows"].rstrip("%").replace("\u2212", "-"))
        for row in rows(table)
    ]
    assert excess == sorted(excess, reverse=True)


def test_breakdowns_are_cut_at_twenty():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(25), size=500)
    y = labels_from(p, rng)
    evaluation = Evaluation.from_predictions(
        y, p, labels=range(25), recalibration="temperature"
    )
    groups = np.arange(500) % 30
    found = sections(content(evaluation, by=groups))
    for ident, more in (("classes", "5"), ("groups", "10")):
        (table,) = found[ident].tables
        assert len(table.rows) == 20
        less = "which cost less beyond their part of the rows"
        assert table.more == f"And {more} more, {less}."
    facts = {row["What"]: row["Found"] for row in rows(found["counted"].tables[0])}
    assert facts["Classes"].startswith("25: 0, 1, 2, 3")
    assert facts["Classes"].endswith("19, and 5 more")


def test_groups_may_be_by_column_by_values_or_by_several_keys(hard):
    (table,) = sections(content(hard, by="label"))["groups"].tables
    assert table.columns[0].title == "label"
    site = np.array(["north", "south"])[np.arange(400) % 2]
    (table,) = sections(content(hard, by=site))["groups"].tables
    assert table.columns[0].title == "Group"
    assert {row["Group"] for row in rows(table)} == {"north", "south"}
    keys = {"site": site, "week": np.arange(400) // 200}
    section = sections(content(hard, by=keys))["groups"]
    (table,) = section.tables
    assert [column.title for column in table.columns[:2]] == ["site", "week"]
    assert len(table.rows) == 4
    assert section.sentences[0].startswith("No group of 4 clearly costs")


def test_groups_with_too_few_rows_say_so(hard):
    site = np.where(np.arange(400) < 5, "few", "many")
    (table,) = sections(content(hard, by=site))["groups"].tables
    found = {row["Group"]: row for row in rows(table)}
    assert found["few"]["Note"].startswith("5 independent rows: too few for terms of ")
    assert found["few"]["Miscalibration"] == "\N{EN DASH}"
    assert found["many"]["Note"] == ""


def test_an_unknown_column_of_groups_is_refused(hard):
    with pytest.raises(ValueError, match="by must be a column of per_sample"):
        content(hard, by="absent")


def test_the_costliest_rows_come_first(hard):
    section = sections(content(hard))["worst"]
    (table,) = section.tables
    expected = hard.worst(10)
    assert [row["Row"] for row in rows(table)] == [str(i) for i in expected.index]
    assert [row["Label"] for row in rows(table)] == expected["label"].to_list()
    assert [row["Predicted"] for row in rows(table)] == expected["predicted"].to_list()
    part = expected["cross_entropy"].sum() / hard.per_sample["cross_entropy"].sum()
    assert section.sentences == (
        f"The 10 rows that cost most account for {share(part)} of the loss.",
    )


def test_labels_that_are_numbers_are_shown_as_they_are():
    with pytest.warns(SmallSampleWarning):
        one = Evaluation.from_predictions([2], [[0.2, 0.5, 0.3]], labels=[0, 1, 2])
    section = sections(content(one))["worst"]
    (row,) = rows(section.tables[0])
    assert (row["Row"], row["Label"], row["Predicted"]) == ("0", "2", "1")
    (said,) = section.sentences
    assert said == "The row that costs most accounts for 100% of the loss."


def test_the_costliest_rows_of_soft_targets_have_no_label(soft):
    (table,) = sections(content(soft))["worst"].tables
    assert [column.title for column in table.columns] == [
        "Row",
        "Predicted",
        "Probability shared with the target",
        "Confidence",
        "Cross-entropy",
        "KL divergence",
    ]


def test_weights_groups_and_folds_are_counted():
    n = 600
    evaluation = Evaluation.from_predictions(
        [0, 1] * (n // 2),
        np.random.default_rng(0).uniform(0.1, 0.9, size=n),
        sample_weight=np.arange(n) % 3,
        groups=np.arange(n) // 2,
        folds=np.arange(n) % 2,
        recalibration="temperature",
    )
    found = sections(content(evaluation))
    (table,) = found["folds"].tables
    assert [row["Fold"] for row in rows(table)] == ["0", "1"]
    assert rows(table)[0]["Note"] == "map “temperature”"
    assert "note" not in evaluation.folds
    (table,) = found["worst"].tables
    assert rows(table)[0]["Weight"] in {"1", "2"}
    facts = {row["What"]: row["Found"] for row in rows(found["counted"].tables[0])}
    assert facts["Rows"] == "400"
    assert facts["Folds"] == "2"
    assert facts["Groups of dependent rows"] == "300"
    assert facts["Effective number of rows, under the weights"] == "360"


def test_what_was_clipped_unseen_and_dropped_is_counted(hard):
    result = hard.decomposition
    changed = dataclasses.replace(
        result,
        n_clipped=3,
        n_unseen=2,
        n_dropped=1200,
        vote_correction="jackknife",
        parameters={"temperature": 1.5},
    )
    evaluation = dataclasses.replace(hard, decomposition=changed)
    (table,) = sections(content(evaluation))["counted"].tables
    facts = {row["What"]: row["Found"] for row in rows(table)}
    assert facts["Rows with a probability below the clip, 2.2e-16"] == "3"
    assert facts["Rows whose cost is infinite"] == "none"
    assert facts["Rows whose label is not among the classes"] == "2"
    assert facts["Rows left out, as a label or probability was missing"] == "1,200"
    assert facts["Recalibration map"] == "temperature (temperature 1.5)"
    assert facts["Correction for few votes"] == "jackknife"
    assert facts["Unit"] == "nats"
    assert facts["Made with"].startswith("xent-metrics ")


def test_one_class_only_leaves_the_ladder_unknown():
    evaluation = Evaluation.from_predictions(
        ["a"] * 300, np.full((300, 2), 0.5), labels=["a", "b"]
    )
    found = sections(content(evaluation))
    assert found["ladder"].tables == ()
    assert found["ladder"].sentences == (
        "What recalibration would remove is not known; the notes above say why.",
    )
    assert found["classes"].sentences == ("1 class.",)
    identity, _ = found["terms"].tables
    assert rows(identity)[2]["Meaning"] == "undefined: y_true holds one class only"


def test_an_infinite_loss_is_shown_as_such():
    q = np.array([[0.9, 0.1], [0.3, 0.7]] * 199 + [[0.0, 1.0], [0.2, 0.8]])
    evaluation = Evaluation.from_predictions([0, 1] * 200, q, clip=0)
    page = content(evaluation)
    assert page.title == "What an infinite log loss is made of"
    found = sections(page)
    (table,) = found["classes"].tables
    first = rows(table)[0]
    assert (first["Class"], first["Cross-entropy"]) == ("0", "∞")
    assert first["Part of the loss"] == "\N{EN DASH}"
    assert found["worst"].sentences == ()
    assert found["ladder"].sentences == (
        "What recalibration would remove is infinite; the notes above say why.",
    )
    (table,) = found["ladder"].tables
    assert rows(table)[0]["Degrees of freedom"] == "1"
    assert rows(table)[0]["Removed (nats)"] == "∞"
    facts = {row["What"]: row["Found"] for row in rows(found["counted"].tables[0])}
    assert facts["Clip"] == "0: no probability is bounded"


def test_an_evaluation_without_rows_says_what_is_left_out(hard):
    page = content(Evaluation.from_json(hard.to_json()), by="label")
    assert list(sections(page)) == ["terms", "ladder", "classes", "counted"]
    (said,) = page.remarks
    assert said == (
        "Its costliest rows and groups are left out: the evaluation was scanned, or "
        "read back without its rows."
    )
    assert page.headline == content(hard).headline


def test_an_evaluation_read_back_with_rows_has_all_sections(hard):
    back = Evaluation.from_json(hard.to_json(per_sample=True))
    found = sections(content(back, by="label"))
    assert list(found) == ["terms", "ladder", "classes", "groups", "worst", "counted"]
    titles = [column.title for column in found["groups"].tables[0].columns]
    assert titles == [
        "label",
        "Rows",
        "Part of the loss",
        "Less its part of the rows",
        "Cross-entropy",
        "Calibration gap",
    ]
