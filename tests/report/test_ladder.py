"""The ladder of recalibration maps, as a sentence and a table."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from xent_metrics import Evaluation

# Nothing public gives what a page says before it is HTML.
from xent_metrics._report.formatting import share
from xent_metrics._report.sections import ladder

from ..draws import labels_from, tempered
from .conftest import cells_by_title as rows


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def every_map():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), size=600)
    return Evaluation.from_predictions(labels_from(p, rng), tempered(p))


def test_the_ladder_tells_what_each_map_would_win_back(every_map):
    section = ladder(every_map.decomposition, 3)
    result = every_map.decomposition
    first, *_ = section.sentences
    freedom = result.degrees_of_freedom
    assert plain(first) == (
        f"Recalibration alone would remove {result.miscalibration:.3f} ± "
        f"{result.standard_errors['miscalibration']:.3f} nats, "
        f"{share(result.miscalibration / result.cross_entropy)} of the loss, by the "
        f"map “{result.recalibration}” with {freedom} "
        f"{'degree' if freedom == 1 else 'degrees'} of freedom."
    )
    (table,) = section.tables
    assert [row["Map"] for row in rows(table)] == list(result.ladder.index)
    (strong,) = [row for row in table.rows if row.strong]
    assert strong.cells[0] == result.recalibration
    assert strong.cells[-1] == "the chosen map"


def with_ladder(evaluation, chosen, shares, **terms):
    """The evaluation as if another map were chosen."""
    result = evaluation.decomposition
    tried = result.ladder.copy()
    tried["chosen"] = tried.index == chosen
    tried["share"] = [shares.get(name, math.nan) for name in tried.index]
    freedom = int(tried.loc[chosen, "degrees_of_freedom"])
    changed = dataclasses.replace(
        result,
        recalibration=chosen,
        degrees_of_freedom=freedom,
        ladder=tried,
        **terms,
    )
    return dataclasses.replace(evaluation, decomposition=changed)


def said_of_the_map(evaluation):
    return ladder(evaluation.decomposition, 3).sentences


def test_a_simpler_map_that_nearly_does_is_named(every_map):
    shares = {"temperature": 0.5, "temperature-bias": 0.93, "dirichlet": 1.0}
    evaluation = with_ladder(every_map, "dirichlet", shares)
    assert said_of_the_map(evaluation)[1] == (
        "The simpler map “temperature-bias”, with 5 degrees of freedom, would "
        "remove 93% of what “dirichlet” removes."
    )


def test_one_temperature_is_named_where_no_simpler_map_does(every_map):
    shares = {"temperature": 0.5, "dirichlet": 1.0}
    evaluation = with_ladder(every_map, "dirichlet", shares)
    assert said_of_the_map(evaluation)[1] == (
        "A single temperature would remove 50% of what “dirichlet” removes."
    )


def test_a_map_that_wins_nothing_clear_is_named(every_map):
    errors = {**every_map.decomposition.standard_errors, "miscalibration": 0.9}
    terms = {"standard_errors": errors, "converged": False}
    evaluation = with_ladder(every_map, "temperature", {}, **terms)
    first, second = map(plain, said_of_the_map(evaluation))
    assert first.startswith(
        "No clear miscalibration: the map “temperature” with 1 degree"
    )
    assert first.endswith(" ± 0.900 nats, less than 2 standard errors.")
    assert second == "Its fit did not converge: the terms of the map are unreliable."


def test_maps_left_out_say_why(every_map):
    result = every_map.decomposition
    left_out = result.ladder.iloc[:1].rename({"temperature": "spline"})
    unknown = dict.fromkeys(["refinement", "miscalibration", "share"], math.nan)
    left_out = left_out.assign(n=0, chosen=False, note="two classes only", **unknown)
    tried = pd.concat([result.ladder, left_out])
    tried["n"] = [500, *tried["n"][1:]]
    changed = dataclasses.replace(result, ladder=tried)
    (table,) = ladder(changed, 3).tables
    found = rows(table)
    assert "tried on 500 rows" in found[0]["Note"]
    dash = "\N{EN DASH}"
    assert found[-1] == {
        "Map": "spline",
        "Degrees of freedom": dash,
        "Removed (nats)": dash,
        "Share of the chosen map's": dash,
        "Left after it": dash,
        "Note": "two classes only",
    }
