import numpy as np
import pytest

from xent_metrics import Evaluation, kl_contributions, plotting


def cells(ax):
    mesh = ax.collections[0]
    values = np.asarray(mesh.get_array().filled(0.0))
    side = round(values.size**0.5)
    return values.reshape(side, side)


def test_cells_are_sums_of_the_contributions(forecasts):
    p, q = forecasts
    w = np.random.default_rng(0).uniform(size=len(p))
    evaluation = Evaluation.from_predictions(p, q, sample_weight=w, base=2)
    values = kl_contributions(p, q, base=2) * w[:, np.newaxis] / w.sum()
    expected, _, _ = np.histogram2d(
        p.ravel(), q.ravel(), bins=7, range=[[0, 1]] * 2, weights=values.ravel()
    )
    ax = plotting.kl_contributions(evaluation, bins=7)
    np.testing.assert_allclose(cells(ax), expected, atol=1e-15)
    assert cells(ax).sum() == pytest.approx(evaluation.decomposition.kl_divergence)
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "contribution to the mean KL (bits)"


def test_the_title_splits_the_divergence_by_sign(soft, forecasts):
    values = kl_contributions(*forecasts) / len(forecasts[0])
    title = plotting.kl_contributions(soft).get_title(loc="left")
    positive, negative = values[values > 0].sum(), values[values < 0].sum()
    assert title == (
        f"KL {values.sum():.3f} nats: {positive:.3f} where q is too low, "
        f"{negative:.3f} where it is too high"
    )


def test_hard_labels_are_refused(several):
    match = "distributions or votes: found one label per row, whose contributions all"
    for draw in (plotting.kl_contributions, lambda it: it.plot("kl_contributions")):
        with pytest.raises(ValueError, match=match):
            draw(several)


def test_colours_are_even_about_0(soft):
    mesh = plotting.kl_contributions(soft).collections[0]
    assert mesh.norm.vmin == -mesh.norm.vmax
    opacities = mesh.get_cmap()([0.0, 0.49, 0.51, 1.0])[:, 3]
    assert opacities[[0, 3]].min() == 1.0
    assert opacities[[1, 2]].max() < 0.15


def test_the_bar_ends_below_0_where_something_is_negative(soft):
    bar = plotting.kl_contributions(soft).figure.axes[1]
    assert bar.get_ylim()[0] < 0.0


def test_what_is_left_out_is_said():
    p, q = [[0.5, 0.5], [0.2, 0.8]] * 150, [[0.4, 0.6], [0.1, 0.9]] * 150
    with np.errstate(invalid="ignore"):  # of terms that are infinite
        evaluation = Evaluation.from_predictions(p, [[1.0, 0.0], *q[1:]], clip=0)
    label = plotting.kl_contributions(evaluation).get_xlabel()
    assert label.endswith("\nnot drawn: 1 row of infinite KL")


def test_corrections_for_few_votes_are_not_in_the_cells():
    votes, q = (
        [[2, 1], [0, 3], [3, 3]] * 100,
        [[0.6, 0.4], [0.3, 0.7], [0.5, 0.5]] * 100,
    )
    evaluation = Evaluation.from_predictions(votes, q, vote_correction="jackknife")
    ax = plotting.kl_contributions(evaluation)
    assert ax.get_xlabel().endswith("\nbefore the correction for few votes")


def test_logits_give_the_cells_of_probabilities(forecasts):
    p, q = forecasts
    one, other = (
        Evaluation.from_predictions(p, values, from_logits=logits)
        for values, logits in ((q, False), (np.log(q) + 3.0, True))
    )
    np.testing.assert_allclose(
        cells(plotting.kl_contributions(one)),
        cells(plotting.kl_contributions(other)),
        atol=1e-12,
    )


def test_evaluations_that_were_read_back_are_refused(soft):
    read = Evaluation.from_json(soft.to_json(per_sample=True))
    with pytest.raises(
        ValueError, match="kl_contributions needs the data: this result"
    ):
        plotting.kl_contributions(read)
