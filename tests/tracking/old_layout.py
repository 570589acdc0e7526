"""Runs as they were logged with schema 1: errors beside terms, a tag per setting."""

import json
import math

from xent_metrics import TERMS
from xent_metrics_mlflow._items.rows import digest, to_parquet

COUNTS = ("n", "n_effective", "n_clipped", "n_infinite", "n_unseen", "n_dropped")


def metrics_and_tags(evaluation, split="test"):
    """The keys of schema 1."""
    result = evaluation.decomposition
    soft = not math.isnan(result.irreducible)
    values = {}
    for term, value in result.terms.items():
        if soft or not TERMS[term].needs_soft_labels:
            values[term] = value
            values[f"{term}_se"] = result.standard_errors[term]
    values |= {name: float(getattr(result, name)) for name in COUNTS}
    for column in evaluation.by_class.columns.drop(["weight", "note"]):
        for name, value in evaluation.by_class[column].items():
            values[f"by_class/{column}_{name}"] = float(value)
    left_out = {k: v for k, v in values.items() if not math.isfinite(v)}
    tags = {
        "schema": "1",
        "version": "0.1.0",
        "unit": result.unit,
        "clip": repr(result.clip),
        "recalibration": result.recalibration,
        "degrees_of_freedom": str(result.degrees_of_freedom),
        "converged": str(result.converged).lower(),
        "vote_correction": result.vote_correction or "none",
        "data": digest(evaluation) or "none",
        "non_finite": ", ".join(f"{k}={v}" for k, v in left_out.items()) or "none",
    }
    if evaluation.folds is not None:
        tags["folds"] = json.dumps(list(map(str, evaluation.folds.index)))
    prefix = f"xent/{split}"
    return (
        {f"{prefix}/{k}": v for k, v in values.items() if k not in left_out},
        {f"{prefix}/{k}": v for k, v in tags.items()},
    )


def log(mlflow, run_id, evaluation, folder, split="test"):
    """Log to a run as schema 1 did, with the rows."""
    metrics, tags = metrics_and_tags(evaluation, split)
    client = mlflow.MlflowClient()
    for key, value in metrics.items():
        client.log_metric(run_id, key, value)
    for key, value in tags.items():
        client.set_tag(run_id, key, value)
    rows = folder / "per_sample.parquet"
    rows.write_bytes(to_parquet(evaluation))
    client.log_artifact(run_id, str(rows), f"xent/{split}")
