"""Baselines: files in the repository that say what a model was accepted with."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from xent_metrics import Evaluation

FOLDER = "xent_baselines"
SCHEMA = 1
_KEYS = frozenset(("xent_baseline", "predictions", "targets", "evaluation"))
_NAME = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was accepted.

    Attributes
    ----------
    evaluation : Evaluation
        Its terms, without rows.
    rows : DataFrame or None
        Its rows, where they are kept for a paired comparison.
    predictions, targets : str or None
        Digests of what it was evaluated on, by which the same rows are known again.
    """

    evaluation: Evaluation
    rows: pd.DataFrame | None
    predictions: str | None
    targets: str | None


def path_of(test_file: Path, name: Any) -> Path:
    """The file of a baseline, beside the tests that name it."""
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        msg = (
            "the name of a baseline must be letters, digits, '_', '-' and '.': found "
            f"{name!r}; pass a name such as 'churn'."
        )
        raise ValueError(msg)
    return test_file.parent / FOLDER / f"{name}.json"


def read(path: Path, *, paired: bool) -> Baseline:
    """The baseline of a file.

    Raises
    ------
    FileNotFoundError
        If there is none, or none with rows where these are asked for.
    ValueError
        If the file is no baseline.
    """
    from xent_metrics import Evaluation  # noqa: PLC0415 - loads pandas

    if not path.exists():
        msg = (
            f"a baseline must be there to compare with: there is no {path}; run pytest "
            "--xent-update once, and commit the file that it writes."
        )
        raise FileNotFoundError(msg)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    whole = isinstance(content, dict) and content.keys() >= _KEYS
    if not whole or content["xent_baseline"] != SCHEMA:
        msg = (
            f"{path} must be a baseline of schema {SCHEMA}: found something else; "
            "write it again with pytest --xent-update."
        )
        raise ValueError(msg)
    return Baseline(
        evaluation=Evaluation.from_json(json.dumps(content["evaluation"])),
        rows=_read_rows(path) if paired else None,
        predictions=content["predictions"],
        targets=content["targets"],
    )


def _read_rows(path: Path) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - as above

    rows = path.with_suffix(".parquet")
    if not rows.exists():
        msg = (
            f"paired=True requires the rows of the baseline: there is no {rows}; run "
            "pytest --xent-update once, and commit the files that it writes."
        )
        raise FileNotFoundError(msg)
    return pd.read_parquet(rows)


def write(path: Path, evaluation: Evaluation, *, paired: bool) -> None:
    """Write a baseline, and its rows where these are asked for."""
    predictions, targets = digests(evaluation)
    content = {
        "xent_baseline": SCHEMA,
        "predictions": predictions,
        "targets": targets,
        "evaluation": json.loads(evaluation.to_json()),
    }
    rows = _rows_of(evaluation) if paired else None  # refused before a file is touched
    path.parent.mkdir(exist_ok=True)
    if rows is not None:
        _write_whole(path.with_suffix(".parquet"), rows.to_parquet(index=False))
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    _write_whole(path, text.encode("utf-8"))


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file wholly or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def digests(evaluation: Evaluation) -> tuple[str | None, str | None]:
    """Digests of the predictions and of the targets with their weights.

    None where the evaluation is without its data.
    """
    if not evaluation.decomposition.has_data or evaluation.per_sample is None:
        return None, None
    targets, rows = evaluation.targets(), evaluation.per_sample
    of_targets = hashlib.sha256(repr(evaluation.labels).encode())
    if targets is None:
        of_targets.update("\0".join(map(str, rows["label"])).encode())
    else:
        of_targets.update(targets.to_numpy(dtype="float64").tobytes())
    for name in ("weight", "group"):
        if name in rows:
            of_targets.update(rows[name].to_numpy(dtype="float64").tobytes())
    proba = evaluation.probabilities().to_numpy(dtype="float64")
    return hashlib.sha256(proba.tobytes()).hexdigest(), of_targets.hexdigest()


def _rows_of(evaluation: Evaluation) -> pd.DataFrame:
    """What is needed to compare with the rows again."""
    if evaluation.folds is not None or not evaluation.decomposition.has_data:
        what = "the folds of a cross-validation"
        found = what if evaluation.folds is not None else "an evaluation without rows"
        msg = (
            "paired=True requires the predictions of one model with their rows: found "
            f"{found}; pass Evaluation.from_predictions(y_true, y_proba), or leave "
            "paired out."
        )
        raise ValueError(msg)
    rows = evaluation.per_sample
    assert rows is not None, "it has its data"
    frame = evaluation.probabilities().add_prefix("proba_").reset_index(drop=True)
    frame.columns = [f"proba_{k}" for k in range(frame.shape[1])]
    targets = evaluation.targets()
    if targets is None:
        frame["label"] = rows["label"].to_numpy()
    else:
        for k, name in enumerate(targets):
            frame[f"target_{k}"] = targets[name].to_numpy()
    for name in ("weight", "group"):
        if name in rows:
            frame[name] = rows[name].to_numpy()
    return frame


def with_rows(baseline: Baseline) -> Evaluation:
    """The baseline evaluated again from its rows."""
    from xent_metrics import Evaluation, without_listeners  # noqa: PLC0415

    rows, known = baseline.rows, baseline.evaluation
    assert rows is not None, "they were read"
    proba = rows[[name for name in rows if str(name).startswith("proba_")]]
    targets: Any = [name for name in rows if str(name).startswith("target_")]
    y_true = rows["label"].to_numpy() if "label" in rows else rows[targets].to_numpy()
    with without_listeners():  # it is no evaluation of the user's
        return Evaluation.from_predictions(
            y_true,
            proba.to_numpy(),
            labels=known.labels,
            sample_weight=rows["weight"].to_numpy() if "weight" in rows else None,
            groups=rows["group"].to_numpy() if "group" in rows else None,
            base=known.decomposition.base,
            clip=known.decomposition.clip,
            vote_correction=known.decomposition.vote_correction,  # type: ignore[arg-type]
        )
