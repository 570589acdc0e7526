"""Containers that hold a column of values, or a table of numbers, by name.

A column is made of a list of Python values, in which None is missing, and of their kind
(:data:`KINDS`). A container that cannot hold them raises :class:`Unfit`.
"""

import array
import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse

DAY = dt.date(2026, 3, 1)
NOON = dt.datetime(2026, 3, 1, 12)  # noqa: DTZ001 - a time without a zone
# Values of labels that may be the classes, in ascending order.
KINDS = {
    "places": range(5),
    "integers": (-7, 0, 3, 10**12, 2**53 + 1),
    "small": (1, 2, 3, 5, 100),
    "unsigned": (0, 2, 2**63 + 1, 2**63 + 2, 2**64 - 1),
    "booleans": (False, True),
    "text": ("", "1", "Zoë", "b", "bb" * 20),
    "digits": ("0", "01", "1", "1.0", "2"),
    "bytes": (b"a", b"b", b"bb", b"c", b"d"),
    "floats": (-1.0, 0.0, 1.0, 2.0, 2.0**40),
    "halves": (0.0, 1.0, 2.0, 3.0, 512.0),
    "long": (0.0, 1.0, 2.0, 3.0, 4.0),
    "dates": tuple(DAY + dt.timedelta(n) for n in range(5)),
    "times": tuple(NOON + dt.timedelta(hours=n) for n in range(5)),
    "zoned": tuple(
        (NOON + dt.timedelta(hours=n)).replace(tzinfo=dt.UTC) for n in range(5)
    ),
    "spans": tuple(dt.timedelta(hours=n) for n in range(5)),
    "decimals": tuple(map(Decimal, ("0.25", "0.5", "1.5", "2.5", "7.25"))),
    "mixed": ("a", 1, 2.5, DAY, "z"),
}
NUMPY = {
    "places": np.int64,
    "integers": np.int64,
    "small": np.uint8,
    "unsigned": np.uint64,
    "booleans": np.bool_,
    "text": np.str_,
    "digits": np.str_,
    "bytes": np.bytes_,
    "floats": np.float64,
    "halves": np.float16,
    "singles": np.float32,
    "long": np.longdouble,
    "dates": "M8[D]",
    "times": "M8[us]",
    "spans": "m8[us]",
}
ARROW = {
    "places": pa.int64(),
    "integers": pa.int64(),
    "small": pa.uint8(),
    "unsigned": pa.uint64(),
    "booleans": pa.bool_(),
    "text": pa.string(),
    "digits": pa.string(),
    "bytes": pa.binary(),
    "floats": pa.float64(),
    "halves": pa.float16(),
    "singles": pa.float32(),
    "dates": pa.date32(),
    "times": pa.timestamp("us"),
    "zoned": pa.timestamp("us", "UTC"),
    "spans": pa.duration("us"),
    "decimals": pa.decimal128(30, 12),
}
POLARS = {
    "places": pl.Int64,
    "integers": pl.Int64,
    "small": pl.UInt8,
    "unsigned": pl.UInt64,
    "booleans": pl.Boolean,
    "text": pl.String,
    "digits": pl.String,
    "bytes": pl.Binary,
    "floats": pl.Float64,
    "singles": pl.Float32,
    "dates": pl.Date,
    "times": pl.Datetime("us"),
    "zoned": pl.Datetime("us", "UTC"),
    "spans": pl.Duration("us"),
    "decimals": pl.Decimal(30, 12),
}
NULLABLE = {
    "places": "Int64",
    "integers": "Int64",
    "small": "UInt8",
    "unsigned": "UInt64",
    "booleans": "boolean",
    "text": "string",
    "digits": "string[python]",
    "floats": "Float64",
    "singles": "Float32",
}
FLOATS = ("floats", "halves", "singles", "long")
TIMES = ("dates", "times", "spans")


NO_CONTAINER = (
    *(TypeError, ValueError, OverflowError, NotImplementedError),
    *(pa.ArrowException, pl.exceptions.PolarsError),
)


class Unfit(Exception):  # noqa: N818 - not an error
    """A container cannot hold these values."""


def made(make, *args):
    """A container, unless its library cannot hold the values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(*args)
    except NO_CONTAINER:
        raise Unfit from None


def _type(types, kind):
    if kind not in types:
        raise Unfit
    return types[kind]


# -- columns --------------------------------------------------------------------


def plain_list(values, kind, draw):
    return list(values)


def plain_tuple(values, kind, draw):
    return tuple(values)


def objects(values, kind, draw):
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def numpy_array(values, kind, draw):
    dtype = np.dtype(_type(NUMPY, kind))
    if None in values:
        if kind not in (*FLOATS, *TIMES):
            raise Unfit
        absent = "NaT" if kind in TIMES else np.nan
        values = [absent if one is None else one for one in values]
    return np.array(values, dtype=dtype)


def masked(values, kind, draw):
    """The values that are masked are such that may be: they must not be read."""
    present = [one for one in values if one is not None] or [KINDS["places"][0]]
    filled = [present[0] if one is None else one for one in values]
    dtype = NUMPY.get(kind, object)
    data = np.array(filled, dtype=dtype) if dtype is not object else None
    if data is None:
        data = objects(filled, kind, draw)
    return np.ma.array(data, mask=[one is None for one in values])


def swapped(values, kind, draw):
    data = numpy_array(values, kind, draw)
    return data.astype(data.dtype.newbyteorder("S"))


def read_only(values, kind, draw):
    data = numpy_array(values, kind, draw)
    data.flags.writeable = False
    return data


def strided(values, kind, draw):
    return np.repeat(numpy_array(values, kind, draw), 3)[::3]


def backwards(values, kind, draw):
    return numpy_array(values[::-1], kind, draw)[::-1]


def field(values, kind, draw):
    data = numpy_array(values, kind, draw)
    table = np.zeros(len(data), dtype=[("x", "u1"), ("y", data.dtype)])
    table["y"] = data
    return table["y"]


def one_field(values, kind, draw):
    data = numpy_array(values, kind, draw)
    return data.view([("y", data.dtype)])


def long_strings(values, kind, draw):
    if kind not in ("text", "digits") or None in values:
        raise Unfit
    return np.array(values, dtype=np.dtypes.StringDType())


def scalars(values, kind, draw):
    """A list of numpy's own values."""
    return list(numpy_array(values, kind, draw))


def buffer(values, kind, draw):
    return memoryview(numpy_array(values, kind, draw))


def of_standard_library(values, kind, draw):
    code = {"integers": "q", "places": "q", "small": "B", "floats": "d"}.get(kind)
    if code is None or None in values:
        raise Unfit
    return array.array(code, values)


def series(values, kind, draw):
    """A column as pandas makes it of an array or a list, on an index of its own."""
    index = draw.choice([None, [f"r{n}" for n in range(len(values))]])
    try:
        return pd.Series(numpy_array(values, kind, draw), index=index)
    except Unfit:
        return pd.Series(list(values), index=index)


def object_series(values, kind, draw):
    return pd.Series(objects(values, kind, draw), dtype=object)


def nullable(values, kind, draw):
    return pd.Series(values, dtype=_type(NULLABLE, kind))


def arrow_series(values, kind, draw):
    return pd.Series(pd.arrays.ArrowExtensionArray(arrow(values, kind, draw)))


def arrow_coded_series(values, kind, draw):
    data = dictionary(values, kind, draw)
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([data])))


def categorical(values, kind, draw):
    if kind == "mixed":
        raise Unfit
    present = sorted({one for one in values if one is not None})
    found = pd.Series(pd.Categorical(values, categories=present))
    return found.cat.as_ordered() if draw.random() < 0.3 else found


def bare_categorical(values, kind, draw):
    return categorical(values, kind, draw).array


def sparse_series(values, kind, draw):
    if kind not in ("floats", "places", "integers", "booleans"):
        raise Unfit
    fill = draw.choice([None, *values[:1]])
    data = numpy_array(values, kind, draw)
    return pd.Series(pd.arrays.SparseArray(data, fill_value=fill))


def index(values, kind, draw):
    return pd.Index(series(values, kind, draw), tupleize_cols=False)


def extension(values, kind, draw):
    return pd.array(nullable(values, kind, draw))


def numpy_extension(values, kind, draw):
    return pd.arrays.NumpyExtensionArray(numpy_array(values, kind, draw))


def one_column_frame(values, kind, draw):
    return series(values, kind, draw).to_frame("y")


def polars(values, kind, draw):
    return pl.Series("y", values, dtype=_type(POLARS, kind))


def polars_categories(values, kind, draw):
    if kind not in ("text", "digits"):
        raise Unfit
    return pl.Series("y", values, dtype=pl.Categorical)


def polars_enum(values, kind, draw):
    if kind not in ("text", "digits"):
        raise Unfit
    known = sorted({one for one in values if one is not None})
    draw.shuffle(known)
    return pl.Series("y", values, dtype=pl.Enum(known))


def polars_chunks(values, kind, draw):
    data = polars(values, kind, draw)
    return pl.concat([data[:1], data[1:]], rechunk=False)


def polars_objects(values, kind, draw):
    if None in values:
        raise Unfit
    return pl.Series("y", values, dtype=pl.Object)


def polars_frame(values, kind, draw):
    return polars(values, kind, draw).to_frame()


def arrow(values, kind, draw):
    return pa.array(_for_arrow(values, kind), type=_type(ARROW, kind))


def _for_arrow(values, kind):
    if kind != "halves":
        return values
    return [None if one is None else np.float16(one) for one in values]


def arrow_nan(values, kind, draw):
    """Values that are missing as NaN of an array without nulls."""
    if kind not in ("floats", "singles"):
        raise Unfit
    return pa.array(numpy_array(values, kind, draw), from_pandas=False)


def arrow_part(values, kind, draw):
    data = arrow([*values[:1], *values, *values[:2]], kind, draw)
    return data.slice(1, len(values))


def chunked(values, kind, draw):
    data = arrow(values, kind, draw)
    return pa.chunked_array([data[:1], data[:0], data[1:]])


def _distinct(values):
    return list(dict.fromkeys(one for one in values if one is not None))


def dictionary(values, kind, draw):
    """Nulls in the indices, or in the values of the dictionary, or in both."""
    known = _distinct(values)
    draw.shuffle(known)
    null = len(known)
    places = [
        draw.choice([None, null]) if one is None else known.index(one) for one in values
    ]
    known = [*known, None, *known[:1]]
    width = draw.choice([pa.int8(), pa.uint16(), pa.int32(), pa.int64()])
    return pa.DictionaryArray.from_arrays(
        pa.array(places, width), arrow(known, kind, draw)
    )


def run_ends(values, kind, draw):
    ends = pa.array(range(1, len(values) + 1), draw.choice([pa.int32(), pa.int64()]))
    return pa.RunEndEncodedArray.from_arrays(ends, arrow(values, kind, draw))


def large(values, kind, draw):
    types = {"text": pa.large_string(), "bytes": pa.large_binary()}
    return pa.array(values, _type(types, kind))


def views(values, kind, draw):
    types = {"text": pa.string_view(), "bytes": pa.binary_view()}
    return pa.array(values, _type(types, kind))


class OwnType(pa.ExtensionType):
    """A type of somebody's own."""

    def __init__(self, storage):
        super().__init__(storage, "tests.own")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, _):
        return cls(storage)


def own_type(values, kind, draw):
    storage = arrow(values, kind, draw)
    return pa.ExtensionArray.from_storage(OwnType(storage.type), storage)


def nulls(values, kind, draw):
    if any(one is not None for one in values):
        raise Unfit
    return pa.nulls(len(values))


def arrow_scalars(values, kind, draw):
    return list(arrow(values, kind, draw))


def arrow_frame(values, kind, draw):
    return pa.table({"y": arrow(values, kind, draw)})


OF_PANDAS = [
    *(series, object_series, nullable, arrow_series, arrow_coded_series, categorical),
    sparse_series,
]
OF_POLARS = [polars, polars_categories, polars_enum, polars_chunks]
OF_ARROW = [
    *(arrow, arrow_nan, arrow_part, chunked, dictionary, run_ends, large, views),
    *(own_type, nulls),
]
COLUMNS = [
    *(plain_list, plain_tuple, objects, numpy_array, masked, swapped, read_only),
    *(strided, backwards, field, long_strings, scalars, buffer, of_standard_library),
    *(index, extension, numpy_extension, bare_categorical, arrow_scalars),
    *(*OF_PANDAS, *OF_POLARS, *OF_ARROW),
]
# As a frame of one column, for labels alone.
FRAMES_OF_ONE = [one_column_frame, polars_frame, arrow_frame, one_field]


# -- tables ---------------------------------------------------------------------
# ``names`` are those of the columns, or None. Kinds are FLOATS, and for votes integers.


def lists(rows, kind, names, draw):
    return [list(row) for row in rows]


def tuples(rows, kind, names, draw):
    return tuple(map(tuple, rows))


def list_of_arrays(rows, kind, names, draw):
    return [numpy_array(row, kind, draw) for row in rows]


def list_of_series(rows, kind, names, draw):
    return [pd.Series(numpy_array(row, kind, draw)) for row in rows]


def list_of_masked(rows, kind, names, draw):
    made = [masked(row, kind, draw) for row in rows]
    return [
        draw.choice([one, one, np.array(one)]) if None not in row else one
        for one, row in zip(made, rows, strict=True)
    ]


def list_of_polars(rows, kind, names, draw):
    return [polars(list(row), kind, draw) for row in rows]


def list_of_mappings(rows, kind, names, draw):
    """Rows that name their values, all but the first in an order of their own."""
    if names is None:
        raise Unfit
    found = []
    for row in rows:
        pairs = list(zip(names, row, strict=True))
        if found:
            draw.shuffle(pairs)
        found.append(dict(pairs))
    return found


def matrix(rows, kind, names, draw):
    return np.stack([numpy_array(row, kind, draw) for row in rows])


def fortran(rows, kind, names, draw):
    return np.asfortranarray(matrix(rows, kind, names, draw))


def matrix_read_only(rows, kind, names, draw):
    data = matrix(rows, kind, names, draw)
    data.flags.writeable = False
    return data


def matrix_swapped(rows, kind, names, draw):
    data = matrix(rows, kind, names, draw)
    return data.astype(data.dtype.newbyteorder("S"))


def matrix_strided(rows, kind, names, draw):
    data = np.repeat(np.repeat(matrix(rows, kind, names, draw), 2, axis=0), 3, axis=1)
    return data[::2, ::3]


def matrix_backwards(rows, kind, names, draw):
    return matrix(rows, kind, names, draw)[::-1, ::-1].copy()[::-1, ::-1]


def matrix_objects(rows, kind, names, draw):
    return np.array([list(row) for row in rows], dtype=object)


def matrix_masked(rows, kind, names, draw):
    """What is masked holds numbers that would be probabilities."""
    hidden = 0 if kind == "small" else draw.choice([0.0, 0.5, np.nan])
    filled = [[hidden if one is None else one for one in row] for row in rows]
    mask = [[one is None for one in row] for row in rows]
    return np.ma.array(np.array(filled, dtype=_type(NUMPY, kind)), mask=mask)


def array_of_rows(rows, kind, names, draw):
    return objects([draw.choice([list, tuple])(row) for row in rows], kind, draw)


def array_of_arrays(rows, kind, names, draw):
    return objects([numpy_array(row, kind, draw) for row in rows], kind, draw)


def records(rows, kind, names, draw):
    """A structured array, whose fields are the columns."""
    if names is None or not all(isinstance(name, str) and name for name in names):
        raise Unfit
    data = matrix(rows, kind, names, draw)
    table = np.zeros(len(rows), dtype=[(name, data.dtype) for name in names])
    for place, name in enumerate(names):
        table[name] = data[:, place]
    return draw.choice([table, table.view(np.recarray)])


def buffer_of_rows(rows, kind, names, draw):
    return memoryview(matrix(rows, kind, names, draw))


def sparse(rows, kind, names, draw):
    if kind not in ("floats", "singles", "small") or any(None in row for row in rows):
        raise Unfit
    name = draw.choice(["csr_array", "csc_array", "coo_array", "csr_matrix"])
    return getattr(scipy.sparse, name)(matrix(rows, kind, names, draw))


def frame(rows, kind, names, draw):
    """Columns of one or of several types of pandas."""
    made = draw.choice([*OF_PANDAS, series])
    columns = [made(list(column), kind, draw) for column in zip(*rows, strict=True)]
    data = pd.concat([one.reset_index(drop=True) for one in columns], axis=1)
    data.columns = range(len(columns)) if names is None else list(names)
    if names is None:
        data.columns = pd.RangeIndex(len(columns))
    return data


def decimals(rows, kind, names, draw):
    cells = [[None if one is None else Decimal(one) for one in row] for row in rows]
    data = pd.DataFrame(cells, dtype=object)
    return data if names is None else data.set_axis(list(names), axis=1)


def series_of_rows(rows, kind, names, draw):
    return pd.Series(list_of_arrays(rows, kind, names, draw))


def series_of_lists(rows, kind, names, draw):
    return pd.Series([draw.choice([list, tuple])(row) for row in rows])


def series_of_mappings(rows, kind, names, draw):
    return pd.Series(list_of_mappings(rows, kind, names, draw))


def arrow_series_of_rows(rows, kind, names, draw):
    made = draw.choice([arrow_lists, structs])
    data = pa.chunked_array([made(rows, kind, names, draw)])
    return pd.Series(pd.arrays.ArrowExtensionArray(data))


def polars_table(rows, kind, names, draw):
    _texts(names)
    return pl.DataFrame(
        {
            name: polars(list(column), kind, draw)
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        }
    )


def polars_lists(rows, kind, names, draw):
    return pl.Series(list(map(list, rows)), dtype=pl.List(_type(POLARS, kind)))


def polars_arrays(rows, kind, names, draw):
    inner = _type(POLARS, kind)
    return pl.Series(list(map(list, rows)), dtype=pl.Array(inner, len(rows[0])))


def polars_structs(rows, kind, names, draw):
    return polars_table(rows, kind, names, draw).to_struct("p")


def arrow_table(rows, kind, names, draw):
    _texts(names)
    made = draw.choice([arrow, chunked, dictionary, run_ends])
    columns = [made(list(column), kind, draw) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=list(names))


def record_batch(rows, kind, names, draw):
    _texts(names)
    columns = [arrow(list(column), kind, draw) for column in zip(*rows, strict=True)]
    return pa.record_batch(columns, names=list(names))


def arrow_lists(rows, kind, names, draw):
    inner = _type(ARROW, kind)
    made = draw.choice([pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
    width = draw.choice([-1, -1, len(rows[0])])
    of = pa.list_(inner, width) if made is pa.list_ else made(inner)
    cells = [_for_arrow(list(row), kind) for row in rows]
    if draw.random() < 0.5:  # a part of a longer one
        return pa.array([*cells[:1], *cells, *cells[:1]], of).slice(1, len(rows))
    return pa.array(cells, of)


def arrow_chunks_of_lists(rows, kind, names, draw):
    data = arrow_lists(rows, kind, names, draw)
    return pa.chunked_array([data[:1], data[1:]])


def structs(rows, kind, names, draw):
    _texts(names)
    columns = [arrow(list(column), kind, draw) for column in zip(*rows, strict=True)]
    return pa.StructArray.from_arrays(columns, names=list(names))


def maps(rows, kind, names, draw):
    _texts(names)
    cells = [list(zip(names, _for_arrow(row, kind), strict=True)) for row in rows]
    return pa.array(cells, pa.map_(pa.string(), _type(ARROW, kind)))


def _texts(names):
    """These libraries name each column, by a text."""
    if names is None or not all(isinstance(name, str) for name in names):
        raise Unfit


TABLES = [
    *(lists, tuples, list_of_arrays, list_of_series, list_of_masked, list_of_polars),
    *(matrix, fortran),
    *(matrix_read_only, matrix_swapped, matrix_strided, matrix_backwards),
    *(matrix_objects, matrix_masked, array_of_rows, array_of_arrays, buffer_of_rows),
    *(sparse, frame, frame, decimals, series_of_rows, series_of_lists, records),
    *(arrow_series_of_rows, polars_table, polars_lists, polars_arrays),
    *(polars_structs, arrow_table, record_batch, arrow_lists, arrow_chunks_of_lists),
    *(structs, list_of_mappings, series_of_mappings, maps),
]
NAMED = [
    *(frame, records, list_of_mappings, series_of_mappings, polars_table),
    *(polars_structs, arrow_table, record_batch, structs),
]


def refused(rows):
    """What holds no values yet, or none in order; and what is no column at all."""
    return {
        "generator": (row for row in rows),
        "mapping": dict(enumerate(rows)),
        "values": dict(enumerate(rows)).values(),
        "set": set(map(str, rows)),
        "text": "0.5",
        "bytes": b"0.5",
        "none": None,
        "number": 0.5,
        "lazy": pl.DataFrame({"a": [0.5] * len(rows)}).lazy(),
        "map": map(list, rows),
        "object": object(),
        "type": list,
    }


# -- that nothing was changed ---------------------------------------------------


def snapshot(data):
    """What tells whether a container was changed: its values, and how it holds them."""
    if isinstance(data, np.ma.MaskedArray):
        return snapshot(data.data), snapshot(np.ma.getmaskarray(data))
    if isinstance(data, np.ndarray):
        return str(data.dtype), data.shape, data.flags.writeable, repr(data.tolist())
    if isinstance(data, pd.DataFrame):
        columns = [snapshot(data.iloc[:, place]) for place in range(data.shape[1])]
        return repr(list(data.columns)), repr(list(data.index)), columns
    if isinstance(data, (list, tuple)):
        return [snapshot(one) for one in data]
    # A buffer of text has bytes alone; lists of categories are deprecated in places.
    first = "tolist" if isinstance(data, pd.Categorical) else "to_list"
    for read in (first, "rows", "to_pylist", "toarray", "tobytes", "tolist"):
        if hasattr(data, read):
            name, kind = getattr(data, "name", None), getattr(data, "dtype", None)
            return repr(name), str(kind), repr(getattr(data, read)())
    return repr(data)
