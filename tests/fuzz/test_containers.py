"""Whatever holds the data, every door gives the right cross-entropy or refuses it."""

import json
import re
from contextlib import suppress
from decimal import Decimal

import pandas as pd
import pytest

pl = pytest.importorskip("polars", reason="polars is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pytest.importorskip("scipy.sparse", reason="scipy is not installed")

from xent_metrics import (  # noqa: E402 - the libraries above may be absent
    Evaluation,
    accumulate,
    cross_entropy,
    decompose,
    finish,
    per_sample,
    scan,
    vote_counts,
)

from . import containers as c  # noqa: E402 - as above
from .doors import (  # noqa: E402 - as above
    NEAR,
    PLAIN,
    SLOW,
    Trial,
    array_doors,
    drawn,
    judged,
    mean_of,
    model_doors,
)
from .harness import Tally  # noqa: E402 - as above

SPELLED = ("places", "integers", "small", "booleans", "digits", "floats")


def number_kind(draw):
    return draw.choice(["floats", "floats", "floats", "singles", "halves", "long"])


def weights_of(draw, case):
    """The weights in some container that can hold them."""
    if case.weights is None:
        return None
    while True:
        try:
            return c.made(draw.choice(c.COLUMNS), case.weights, "floats", draw)
        except c.Unfit:
            continue


def labels_in_a_container(draw):
    case = drawn(draw)
    make = draw.choice([*c.COLUMNS, *c.FRAMES_OF_ONE])
    y = c.made(make, case.labels, case.kind, draw)
    p, w = c.matrix(case.rows, "floats", None, draw), weights_of(draw, case)
    labels = c.made(draw.choice(c.COLUMNS), list(case.classes), case.kind, draw)
    doors = array_doors(case, y, p, w, labels, draw)
    if make is not c.arrow_scalars:  # which scikit-learn does not take either
        doors |= model_doors(case, y, p, w, case.classes, draw)
    family = f"labels in {make.__name__}"
    return Trial(family, doors, case.right(), given=(y, p, w, labels))


def test_columns_of_labels():
    judged(labels_in_a_container, 300)


def labels_to_infer(draw):
    """Without ``labels=``; refused where not every class has a row that counts."""
    case = drawn(draw, nulls=False)
    if case.kind == "mixed":  # cannot be sorted
        raise c.Unfit
    make = draw.choice([*c.COLUMNS, *c.FRAMES_OF_ONE])
    y = c.made(make, case.labels, case.kind, draw)
    p = c.matrix(case.rows, "floats", None, draw)
    whole = len({*case.counted(case.places)} - {None}) == len(case.classes)
    if not whole and make in (c.categorical, c.bare_categorical, c.polars_enum):
        raise c.Unfit  # categories may say that there are others
    doors = array_doors(case, y, p, case.weights, None, draw)
    right = case.right() if whole else None
    return Trial(f"inferred of {make.__name__}", doors, right, given=(y, p))


def test_labels_that_are_inferred():
    judged(labels_to_infer, 200)


def in_order(rows, order):
    return [[row[place] for place in order] for row in rows]


def target_in_a_table(draw, case, order, *, named):
    """A target for predictions whose columns have this order, or names."""
    if case.soft is None:
        return case.labels
    kind = draw.choice(["floats", "singles", "halves"])
    if case.target_type == "votes":
        kind = "small"
    if not named or draw.random() < 0.3:
        rows = in_order(case.soft, order)
        return c.made(draw.choice(c.TABLES), rows, kind, None, draw)
    own = draw.sample(order, len(order))
    names = [str(case.classes[place]) for place in own]
    return c.made(draw.choice(c.NAMED), in_order(case.soft, own), kind, names, draw)


def table_of_probabilities(draw):
    """Columns by place, or in any order under the names of classes, which win."""
    target_type = draw.choice(["labels", "labels", "votes", "distribution"])
    case, kind = drawn(draw, target_type=target_type), number_kind(draw)
    named = case.kind in (*SPELLED, "text") and draw.random() < 0.5
    order, names = list(range(len(case.classes))), None
    if named:
        draw.shuffle(order)
        texts = draw.random() < 0.7
        names = [case.classes[place] for place in order]
        names = list(map(str, names)) if texts else names
    make = draw.choice(c.NAMED if named else c.TABLES)
    p = c.made(make, in_order(case.rows, order), kind, names, draw)
    if named and isinstance(getattr(p, "columns", None), pd.RangeIndex):
        names_told = order != sorted(order) or case.kind != "places"
        named = named and names_told
    y, w = target_in_a_table(draw, case, order, named=named), weights_of(draw, case)
    classes = [case.classes[place] for place in order]
    labels = None if named and draw.random() < 0.7 else classes
    doors = array_doors(case, y, p, w, labels, draw)
    doors |= model_doors(case, y, p, w, classes, draw)
    family = f"{'named ' if named else ''}{make.__name__} for {target_type}"
    return Trial(family, doors, case.right(), NEAR.get(kind, 1e-12), (y, p, w))


def test_tables_of_probabilities():
    judged(table_of_probabilities, 400)


def one_column(draw):
    """The probability of the second class, or of the one that it is named after."""
    case, kind = drawn(draw), number_kind(draw)
    how, place = draw.choice(["no name", "class", "suffix"]), draw.randrange(2)
    kinds = {"class": ("text", "digits"), "suffix": ("places", "small", "digits")}
    if len(case.classes) > 2 or case.kind not in kinds.get(how, [case.kind]):
        raise c.Unfit
    named = [c.series, c.nullable, c.arrow_series, c.polars]
    make = draw.choice(c.COLUMNS if how == "no name" else named)
    p = c.made(make, [row[place] for row in case.rows], kind, draw)
    cls, right, labels = case.classes[place], case.right(), case.classes
    if how == "no name":
        labels = labels if place == 1 else labels[::-1]
    else:
        p = p.rename(cls if how == "class" else f"p_{cls}")
    if how == "suffix" and place == 0:
        right = None  # its name says one class, its place the other
    doors = array_doors(case, case.labels, p, case.weights, labels, draw)
    return Trial(f"one column, {how}", doors, right, NEAR.get(kind, 1e-12), (p,))


def test_one_column_of_two_classes():
    judged(one_column, 250)


# -- frames ---------------------------------------------------------------------


def pandas_frame(columns):
    """Columns by place, whatever index they have."""
    return pd.DataFrame({k: one.reset_index(drop=True) for k, one in columns.items()})


LIBRARIES = {
    "pandas": (c.OF_PANDAS, pandas_frame),
    "polars": (c.OF_POLARS, pl.DataFrame),
    "arrow": (c.OF_ARROW, pa.table),
    "batch": (c.OF_ARROW, pa.record_batch),
}
ROWS_OF = {
    "pandas": [c.series_of_rows, c.series_of_lists, c.arrow_series_of_rows],
    "polars": [c.polars_lists, c.polars_arrays],
    "arrow": [c.arrow_lists],
    "batch": [c.arrow_lists],
}
FIELDS_OF = {
    "pandas": c.series_of_mappings,
    "polars": c.polars_structs,
    "arrow": c.structs,
    "batch": c.structs,
}


class FrameOf:
    """The columns of a case in a frame of some library, and how they are meant."""

    def __init__(self, draw, case, library, kind):
        self.draw, self.case, self.maker, self.kind = draw, case, library, kind
        self.order = draw.sample(range(len(case.classes)), len(case.classes))
        self.classes = [case.classes[place] for place in self.order]
        self.columns, self.options = {}, {"target_type": case.target_type}
        if case.weights is not None:
            self.add("w", case.weights, "floats")
            self.options["sample_weight"] = "w"
        ways = ["names", "mapping", "rows"]
        if case.kind in SPELLED:
            ways += ["prefix", "pattern", "fields"]
        if len(case.classes) == 2 and case.target_type == "labels":
            ways = ["single"] if draw.random() < 0.5 else ways
        self.how = draw.choice(ways)
        self.proba, self.target = self._proba(), "y"
        if case.target_type == "labels":
            self.add("y", case.labels, case.kind)
        elif case.target_type == "annotators":
            self._add_annotators()
        else:
            self._add_soft()

    def add(self, name, values, kind):
        """A column in one of the ways of the library, or in the plainest one."""
        makers = LIBRARIES[self.maker][0]
        try:
            made = c.made(self.draw.choice(makers), list(values), kind, self.draw)
        except c.Unfit:
            made = c.made(makers[0], list(values), kind, self.draw)
        self.columns[name] = made

    def data(self):
        """The frame; a prefix and a pattern leave their order to it."""
        own = iter([name for name in self.columns if name.startswith("p_")])
        names = self.draw.sample(list(self.columns), len(self.columns))
        names = [next(own) if name.startswith("p_") else name for name in names]
        return LIBRARIES[self.maker][1]({name: self.columns[name] for name in names})

    def _proba(self):
        cells = in_order(self.case.rows, self.order)
        if self.how == "single":
            return self._single()
        if self.how in ("rows", "fields"):
            make = FIELDS_OF[self.maker]
            if self.how == "rows":
                make = self.draw.choice(ROWS_OF[self.maker])
                self.options["labels"] = self.classes
            names = list(map(str, self.classes))
            self.columns["p"] = c.made(make, cells, self.kind, names, self.draw)
            return "p"
        stem = "q_" if self.how == "names" else "p_"
        names = [f"{stem}{one}" for one in self.classes]
        if self.how == "names":  # which do not say the classes
            self.options["labels"] = self.classes
        for name, values in zip(names, zip(*cells, strict=True), strict=True):
            self.add(name, values, self.kind)
        if self.how == "mapping":
            return dict(zip(self.classes, names, strict=True))
        pattern = re.compile("p_(?P<cls>.*)")
        return {"names": names, "prefix": "p_", "pattern": pattern}[self.how]

    def _single(self):
        place = self.draw.randrange(2)
        self.add("score", [row[place] for row in self.case.rows], self.kind)
        if self.case.kind not in ("places", "booleans") or self.draw.random() < 0.5:
            self.options["labels"] = self.case.classes
        by_class = {self.case.classes[place]: "score"}
        return by_class if place == 0 else self.draw.choice(["score", by_class])

    def _add_soft(self):
        kind = "small" if self.case.target_type == "votes" else "floats"
        if self.how == "names" or self.draw.random() < 0.5:
            rows = in_order(self.case.soft, self.order)
            make, self.target = self.draw.choice(ROWS_OF[self.maker]), "t"
            self.columns["t"] = c.made(make, rows, kind, None, self.draw)
            return
        places = list(self.order)
        if self.how not in ("rows", "fields"):  # others pair by name
            self.draw.shuffle(places)
        self.target = [f"t_{self.case.classes[place]}" for place in places]
        for name, place in zip(self.target, places, strict=True):
            self.add(name, [row[place] for row in self.case.soft], kind)

    def _add_annotators(self):
        self.target, self.options["labels"] = [], self.classes
        for given in zip(*self.case.places, strict=True):
            self.target.append(f"a{len(self.target)}")
            labels = [None if one is None else self.case.classes[one] for one in given]
            self.add(self.target[-1], labels, self.case.kind)


def annotated(draw):
    """A case whose rows have the labels of annotators, of whom some say nothing."""
    case = drawn(draw, target_type="annotators")
    k, n_annotators = len(case.classes), draw.choice([2, 3])
    known = [*range(k), *range(k), None]
    places = [[draw.choice(known) for _ in range(n_annotators)] for _ in case.rows]
    votes = [
        [None] * k if set(row) == {None} else [row.count(one) for one in range(k)]
        for row in places
    ]
    return case._replace(places=places, soft=votes)


def frame_doors(case, frame, data, folder, *, drop):
    """What takes a frame and the names of its columns."""
    every = {"target": frame.target, "proba": frame.proba, **frame.options}
    every |= {"on_missing": "drop" if drop else "raise"}

    def of_rows():
        costs = dict.fromkeys(range(len(case.rows)))
        costs.update(data.xent.per_sample(**every)["cross_entropy"].items())
        return case.mean(case.counted(list(costs.values())), drop=drop)

    def of_votes():
        plain = isinstance(data, (pd.DataFrame, pl.DataFrame))
        columns = data[frame.target] if plain else data.select(frame.target)
        counts = vote_counts(columns, labels=case.classes)
        options = {"target_type": "votes", "sample_weight": case.weights}
        return cross_entropy(counts, case.rows, **options)

    found = {"accumulate": lambda: mean_of(finish(accumulate(data, **every), **PLAIN))}
    if isinstance(data, pd.DataFrame):
        found["per_sample"] = of_rows
    if case.target_type == "annotators" and not drop:
        found["vote_counts"] = of_votes
    if frame.draw.random() < 2 * SLOW:
        found["from_frame"] = lambda: mean_of(
            Evaluation.from_frame(data, **every, **PLAIN)
        )
    if frame.draw.random() < SLOW:
        with suppress(c.Unfit):  # Parquet cannot hold the columns
            path = c.made(write, data, folder / "rows.parquet")
            found["scan"] = lambda: mean_of(scan(path, n_jobs=1, **every, **PLAIN))
    return found


def column_of_a_frame(draw, folder):
    target_type = draw.choice(["labels", "labels", "votes", "distribution", None])
    case = drawn(draw, target_type=target_type) if target_type else annotated(draw)
    kind = draw.choice(["floats", "floats", "singles", "halves", "decimals"])
    library, drop = draw.choice(list(LIBRARIES)), draw.random() < 0.5
    held = case
    if kind == "decimals":
        cells = [[q if q is None else Decimal(q) for q in row] for row in case.rows]
        held = case._replace(rows=cells)
    frame = FrameOf(draw, held, library, kind)
    data = c.made(frame.data)
    doors = frame_doors(case, frame, data, folder, drop=drop)
    family = f"{library}, {frame.how}, {case.target_type}"
    return Trial(family, doors, case.right(drop=drop), NEAR.get(kind, 1e-12), (data,))


def write(data, path):
    """As a Parquet file of short row groups."""
    if isinstance(data, pd.DataFrame):
        data.to_parquet(path, row_group_size=4)
    elif isinstance(data, pl.DataFrame):
        data.write_parquet(path, row_group_size=4)
    else:
        pq.write_table(pa.table(data), path, row_group_size=4)
    return path


def test_columns_of_frames(tmp_path):
    judged(lambda draw: column_of_a_frame(draw, tmp_path), 120)


# -- the command line -----------------------------------------------------------


def file_of_predictions(draw, folder, evaluated):
    target_type = draw.choice(["labels", "labels", "votes", "distribution"])
    case = drawn(draw, target_type=target_type)
    if case.kind not in SPELLED:
        raise c.Unfit
    kind, drop = draw.choice(["floats", "singles"]), draw.random() < 0.5
    frame = FrameOf(draw, case, "pandas", kind)
    if frame.how not in ("prefix", "mapping", "single") or frame.target == "t":
        raise c.Unfit  # files of text hold no rows, and classes are in names
    data, proba = c.made(frame.data), frame.proba
    if isinstance(proba, dict):
        proba = ",".join(f"{cls}={name}" for cls, name in proba.items())
    target = frame.target if isinstance(frame.target, str) else ",".join(frame.target)
    options = ["--target", target, "--proba", proba, "--target-type", target_type]
    options += ["--on-missing", "drop" if drop else "raise", "--json"]
    options += ["--recalibration", "none"]
    if case.weights is not None:
        options += ["--weight", "w"]
    doors = {}
    for name, write_as in (
        ("csv", lambda data, path: data.to_csv(path, index=False)),
        ("parquet", write),
        ("feather", pd.DataFrame.to_feather),
    ):
        path = folder / f"rows.{name}"
        with suppress(c.Unfit):  # sparse columns have no place there
            c.made(write_as, data, path)
            doors[name] = lambda path=path: evaluated(path, options)
    family, right = f"files, {frame.how}, {target_type}", case.right(drop=drop)
    return Trial(family, doors, right, NEAR.get(kind, 1e-12), (data,))


def test_files_of_the_command_line(tmp_path):
    testing = pytest.importorskip("typer.testing", reason="typer is not installed")
    from xent_metrics._cli.app import app  # noqa: PLC0415 - it needs typer

    def evaluated(path, options):
        done = testing.CliRunner().invoke(app, ["evaluate", str(path), *options])
        if isinstance(done.exception, SystemExit) and done.exit_code == 2:
            raise ValueError(done.stderr.strip())
        if done.exception is not None:
            raise done.exception
        return json.loads(done.stdout)["decomposition"]["cross_entropy"]

    judged(lambda draw: file_of_predictions(draw, tmp_path, evaluated), 25)


# -- what is refused ------------------------------------------------------------


def test_what_is_no_column_is_refused():
    tally = Tally()
    good = {"y_true": [0, 1], "y_proba": [[0.25, 0.75], [0.5, 0.5]]}
    for what in ("y_true", "y_proba", "sample_weight"):
        rows = good["y_proba"] if what == "y_proba" else [0, 1]
        for name in c.refused(rows):
            for door in (cross_entropy, per_sample, decompose):
                if what == "sample_weight" and name == "none":
                    continue
                wrong = good | {what: c.refused(rows)[name]}
                tally.add(what, name, lambda door=door, wrong=wrong: door(**wrong))
        assert tally.counts[what, "done"] == 0
        assert tally.counts[what, "refused"] > 30
    tally.check(at_least=[("y_true", "refused")])


def labels_beside_names(draw):
    case = drawn(draw, nulls=False)
    if case.kind not in SPELLED:
        raise c.Unfit
    names = draw.choice([list(case.classes), list(map(str, case.classes))])
    labels = draw.sample(case.classes, len(case.classes))
    p = c.made(draw.choice(c.NAMED), case.rows, "floats", names, draw)
    unnamed = isinstance(getattr(p, "columns", None), pd.RangeIndex)
    if labels == list(case.classes) or unnamed:
        raise c.Unfit
    doors = array_doors(case, case.labels, p, case.weights, labels, draw)
    return Trial("labels beside names", doors, None, given=(p,))


def test_labels_beside_names_in_another_order_are_refused():
    judged(labels_beside_names, 100, refused=True)
