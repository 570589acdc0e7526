"""Codes of fixed-width text, such as numpy's ``<U10``, without sorting it.

An array of N texts of one width is an (N, words) array of integers. A multiplicative
hash of the words picks a place in a small table that has no collision among the known
labels; then every word is compared, so the answer is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._kernels.table import IntArray

_BLOCK = 8192
_FEW = 1024  # texts: to hash them costs more than to look at each
_TRIES = 64
_MOST_LABELS = 512  # beyond, a table without collision is too large for the cache

Words = NDArray[np.uint64]


def encode_text(texts: NDArray[Any], labels: Sequence[Any]) -> IntArray:
    """Place of each text among the labels; -1 where it is none of them."""
    codes = np.full(texts.size, -1, dtype=np.int64)
    known = _same_kind(labels, texts.dtype)
    if not known:
        return codes
    of_labels = np.array([label for _, label in known], dtype=texts.dtype)
    positions = np.array([position for position, _ in known], dtype=np.int64)
    if texts.size <= _FEW:
        place_of = dict(zip(of_labels.tolist(), positions.tolist(), strict=True))
        codes[:] = [place_of.get(text, -1) for text in texts.tolist()]
        return codes
    words, label_words = as_words(texts), as_words(of_labels)
    find = _perfect_table(label_words) if len(known) <= _MOST_LABELS else None
    if find is None:
        return _encode_by_hash(words, label_words, positions)
    multipliers, shift, table = find
    columns = [np.ascontiguousarray(column) for column in label_words.T]
    for start in range(0, texts.size, _BLOCK):
        block = words[start : start + _BLOCK]
        place = table.take(_slots(block, multipliers, shift))
        same = block[:, 0] == columns[0].take(place)
        for column, values in zip(columns[1:], block.T[1:], strict=True):
            same &= values == column.take(place)
        found = positions.take(place)
        if not same.all():
            found[~same] = -1
        codes[start : start + _BLOCK] = found
    return codes


def distinct_text(texts: NDArray[Any]) -> list[Any]:
    """Distinct texts, in order of appearance."""
    if texts.size <= _FEW:
        return list(dict.fromkeys(texts.tolist()))
    hashes = np.empty(texts.size, dtype=np.uint64)
    words = as_words(texts)
    multipliers = _multipliers(words.shape[1], seed=0)
    for start in range(0, texts.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        hashes[part] = hash_words(words[part], multipliers)
    codes, unique = pd.factorize(hashes)
    first = np.empty(len(unique), dtype=np.int64)
    first[codes[::-1]] = np.arange(texts.size)[::-1]
    candidates: list[Any] = texts[first].tolist()
    # Texts of equal hash would leave one out: then look at each of them.
    if (encode_text(texts, candidates) < 0).any():
        return list(dict.fromkeys(texts.tolist()))
    return candidates


def as_words(texts: NDArray[Any]) -> Words | NDArray[np.uint32] | NDArray[np.uint8]:
    """Texts of one width as rows of integers."""
    native = np.ascontiguousarray(texts, dtype=texts.dtype.newbyteorder("="))
    width = native.dtype.itemsize
    size = next(size for size in (8, 4, 1) if width % size == 0)
    rows: Words = native.view(f"u{size}").reshape(native.size, width // size)
    return rows


def hash_words(words: NDArray[Any], multipliers: Words) -> Words:
    """Sum of words times odd multipliers, modulo 2^64, for each row."""
    hashes: Words = words[:, 0] * multipliers[0]
    for column, multiplier in zip(words.T[1:], multipliers[1:], strict=True):
        hashes += column * multiplier
    return hashes


def _slots(words: NDArray[Any], multipliers: Words, shift: np.uint64) -> IntArray:
    slots: IntArray = (hash_words(words, multipliers) >> shift).view(np.int64)
    return slots


def _same_kind(labels: Sequence[Any], dtype: np.dtype[Any]) -> list[tuple[int, Any]]:
    """Labels, with their places, that texts of this type can hold."""
    kind, size = (str, 4) if dtype.kind == "U" else (bytes, 1)
    width = dtype.itemsize // size
    return [
        (position, label)
        for position, label in enumerate(labels)
        if isinstance(label, kind) and len(label) <= width
    ]


@lru_cache
def _multipliers(n_words: int, seed: int) -> Words:
    draws = np.random.default_rng(seed).integers(2**63, size=n_words, dtype=np.uint64)
    return draws * np.uint64(2) + np.uint64(1)


def _perfect_table(
    label_words: NDArray[Any],
) -> tuple[Words, np.uint64, IntArray] | None:
    """Multipliers, a shift, and a table that holds each label in a place of its own."""
    n_labels, n_words = label_words.shape
    bits = max(4, 2 * int(n_labels - 1).bit_length())
    shift = np.uint64(64 - bits)
    for seed in range(_TRIES):
        multipliers = _multipliers(n_words, seed)
        places = _slots(label_words, multipliers, shift)
        table = np.zeros(2**bits, dtype=np.int64)
        table[places] = np.arange(n_labels)
        if (table[places] == np.arange(n_labels)).all():
            return multipliers, shift, table
    return None


def _encode_by_hash(
    words: NDArray[Any], label_words: NDArray[Any], positions: IntArray
) -> IntArray:
    multipliers = _multipliers(words.shape[1], seed=0)
    index = pd.Index(hash_words(label_words, multipliers))
    if not index.is_unique:
        lookup = {
            row.tobytes(): place
            for row, place in zip(label_words, positions, strict=True)
        }
        found = [lookup.get(row.tobytes(), -1) for row in words]
        return np.array(found, dtype=np.int64)
    place = index.get_indexer(pd.Index(hash_words(words, multipliers)))
    same = (place >= 0) & (words == label_words[place]).all(axis=1)
    return np.where(same, positions[place], -1)
