import re

import numpy as np
import pandas as pd
import pytest

from xent_metrics import decompose_ensemble, kl_divergence

# No public option sets the size of blocks.
from xent_metrics._ensemble import row_pass

from ..draws import polars_frame
from .conftest import ensemble


class TestLayouts:
    @pytest.mark.parametrize("n_classes", [3, 80])
    @pytest.mark.parametrize(
        "layout",
        [
            list,
            tuple,
            lambda q: q.tolist(),
            lambda q: [pd.DataFrame(m) for m in q],
            lambda q: list(map(polars_frame, q)),
            np.asfortranarray,
            np.ma.masked_array,
        ],
        ids=["list", "tuple", "lists", "frames", "polars", "fortran", "masked"],
    )
    def test_every_layout_gives_the_same_number(self, layout, n_classes):
        y, p, q, _, _ = ensemble(3, 200, n_classes)
        expected = decompose_ensemble(p, q)
        assert decompose_ensemble(p, layout(q)) == expected
        assert expected.n_classes == n_classes
        labels = list(range(n_classes))
        if not hasattr(layout(q)[0], "columns"):
            hard = decompose_ensemble(y, layout(q), labels=labels)
            assert hard == decompose_ensemble(y, q, labels=labels)

    def test_one_column_is_enough_for_two_classes(self):
        y, _, q, _, _ = ensemble(3, 40, 2)
        both = decompose_ensemble(y, q)
        for one in (q[..., 1], list(q[..., 1]), [pd.Series(m) for m in q[..., 1]]):
            result = decompose_ensemble(y, one)
            assert result.terms == pytest.approx(both.terms, rel=1e-12)
            assert result.n_classes == 2

    def test_members_keep_their_names(self):
        y, _, q, _, _ = ensemble(2)
        result = decompose_ensemble(y, {"net": q[0], "tree": q[1]})
        assert result.pairwise_kl.columns.tolist() == ["net", "tree"]
        assert result.members.index.tolist() == ["net", "tree"]
        assert result == decompose_ensemble(y, q)

    def test_columns_of_frames_pair_by_name(self):
        y, _, q, _, _ = ensemble(3)
        y = np.array(list("abc"))[y]
        frames = [pd.DataFrame(m, columns=list("abc")) for m in q]
        frames[1] = frames[1][["c", "a", "b"]]
        assert decompose_ensemble(y, frames) == decompose_ensemble(y, q)
        with pytest.raises(ValueError, match="column 0 is 'a', its label 'c'; reorder"):
            decompose_ensemble(y, frames, labels=list("cab"))

    def test_the_index_is_kept(self):
        y, _, q, _, _ = ensemble(2, 3)
        index = pd.Index(["r1", "r2", "r3"])
        frames = [pd.DataFrame(m, index=index) for m in q]
        assert decompose_ensemble(y, frames).per_sample.index.equals(index)

    def test_rescaled_scores_are_probabilities(self):
        y, _, q, _, _ = ensemble()
        result = decompose_ensemble(y, 2 * q, rescale=True)
        expected = decompose_ensemble(y, q).terms
        assert result.terms == pytest.approx(expected, rel=1e-14)

    def test_single_precision_gives_nearly_the_same_terms(self):
        y, _, q, _, _ = ensemble()
        single = decompose_ensemble(y, q.astype(np.float32))
        for name, value in decompose_ensemble(y, q).terms.items():
            assert getattr(single, name) == pytest.approx(value, rel=1e-6)

    def test_blocks_do_not_matter(self, monkeypatch):
        y, p, q, w, v = ensemble(5, 300)
        whole = [
            decompose_ensemble(t, q, sample_weight=w, member_weights=v) for t in (y, p)
        ]
        monkeypatch.setattr(row_pass, "_BLOCK_ELEMENTS", 400)
        for targets, expected in zip((y, p), whole, strict=True):
            found = decompose_ensemble(targets, q, sample_weight=w, member_weights=v)
            pd.testing.assert_frame_equal(
                found.per_sample, expected.per_sample, rtol=1e-13
            )
            pd.testing.assert_frame_equal(
                found.pairwise_kl, expected.pairwise_kl, rtol=1e-12
            )

    def test_many_members_are_compared_in_pairs(self):
        y, _, q, _, _ = ensemble(150, 30)
        pairs = decompose_ensemble(y, q).pairwise_kl
        for a, b in ((0, 149), (149, 3), (127, 128), (20, 10)):
            expected = kl_divergence(q[a], q[b])
            assert pairs.loc[a, b] == pytest.approx(expected, rel=1e-11)

    def test_nothing_passed_is_changed(self):
        y, _, q, _, _ = ensemble()
        before = q.copy()
        q.flags.writeable = False
        decompose_ensemble(y, q)
        np.testing.assert_array_equal(q, before)


class TestErrors:
    Y, _, Q, _, _ = ensemble(3)

    def check(self, match, *, y=None, q=None, error=ValueError, **options):
        y, q = self.Y if y is None else y, self.Q if q is None else q
        with pytest.raises(error, match=re.escape(match)) as caught:
            decompose_ensemble(y, q, **options)
        assert str(caught.value).count("; ") == 1
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("soft", [False, True])
    def test_the_member_and_the_row_are_named(self, soft):
        y = np.full((50, 3), 1 / 3) if soft else None
        q = self.Q.copy()
        q[2, 31, 1] = np.nan
        self.check(
            "member_proba[2] must not be missing: row 31, class 1 is NaN", y=y, q=q
        )
        q[2, 31, 1] = 1.5
        self.check(
            "member_proba[2] must lie in [0, 1]: row 31, class 1 is 1.5", y=y, q=q
        )
        self.check(
            "member_proba['b'] must have rows that sum to 1: row 0 sums to 2",
            q={"a": self.Q[0], "b": 0 * self.Q[1] + [0.6, 0.7, 0.7]},
        )

    def test_missing_targets_are_refused(self):
        soft = np.full((50, 3), 1 / 3)
        soft[3, 2] = np.nan
        self.check("y_true must not be missing: row 3, class 2 is NaN", y=soft)

    def test_wrong_shapes_are_refused(self):
        self.check("y_true and member_proba[0] must have as many rows", y=self.Y[1:])
        self.check(
            "member_proba[0] and member_proba[1] must have as many rows: found 50 and",
            q=[self.Q[0], self.Q[1, :9]],
        )
        self.check(
            "member_proba[1] must have one column per class: 2 for 3 classes",
            q=[self.Q[0], self.Q[1, :, :2]],
        )
        self.check("its shape is (50,)", q=self.Q[0, :, 0])
        self.check("its shape is (3, 50, 3, 1)", q=self.Q[..., None])
        self.check("member_proba must hold at least one member: it is empty", q=[])
        self.check(
            "found a single DataFrame", q=pd.DataFrame(self.Q[0]), error=TypeError
        )
        self.check(
            "found a single DataFrame", q=polars_frame(self.Q[0]), error=TypeError
        )
        self.check("found a single generator", q=(m for m in self.Q), error=TypeError)

    def test_wrong_columns_are_refused(self):
        frames = [pd.DataFrame(m, columns=list("abc")) for m in self.Q]
        frames[1].columns = list("abd")
        y = np.array(list("abc"))[self.Y]
        self.check(
            "member_proba[1] columns must be the classes of member_proba[0]: found "
            "'a', 'b', 'd' for 'a', 'b', 'c'",
            y=y,
            q=frames,
        )
        self.check("of each column of member_proba[0]: 2 labels", labels=[0, 1])
        self.check("50 distinct labels for 3 columns of member_proba[0]", y=range(50))

    def test_rows_in_another_order_are_refused(self):
        frames = [pd.DataFrame(m, index=[f"r{i}" for i in range(50)]) for m in self.Q]
        frames[1] = frames[1][::-1]
        self.check(
            "member_proba[0] and member_proba[1] must be in the same order", q=frames
        )

        y = pd.Series(self.Y, index=frames[0].index)
        self.check(
            "y_true and member_proba[1] must be in the same order",
            y=y,
            q=[self.Q[0], frames[1]],
        )

    def test_bad_weights_are_refused(self):
        self.check("must hold numbers: found list", member_weights=["x", "y", "z"])
        self.check("its shape is (2,) for 3 members", member_weights=[1, 2])
        self.check("member 1 has -1", member_weights=[1, -1, 2])
        self.check("member 2 has nan", member_weights=[1, 1, np.nan])
        self.check("must not be all 0: all 3 weights are 0", member_weights=[0, 0, 0])
        self.check("row 4 is -1", sample_weight=[1.0] * 4 + [-1.0] + [1.0] * 45)

    def test_bad_options_are_refused(self):
        self.check("clip must be in [0, 1)", clip=2)
        self.check("base must be finite and above 1", base=1)
        self.check("exclude each other", rescale=True, from_logits=True)
