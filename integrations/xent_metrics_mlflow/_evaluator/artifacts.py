"""Files of a run as ``mlflow.models.evaluate`` returns them, read when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlflow.models.evaluation.artifacts import (
    JsonEvaluationArtifact,
    ParquetEvaluationArtifact,
    TextEvaluationArtifact,
)
from mlflow.tracking.artifact_utils import get_artifact_uri


class Json(JsonEvaluationArtifact):
    """A JSON document."""

    def _save(self, output_artifact_path: str) -> None:
        _ = self.content  # reads it: what is None would be written
        super()._save(output_artifact_path)


class Table(ParquetEvaluationArtifact):
    """A DataFrame."""

    def _save(self, output_artifact_path: str) -> None:
        _ = self.content
        super()._save(output_artifact_path)


class Page(TextEvaluationArtifact):
    """A page as text, in UTF-8 wherever it is read."""

    def _save(self, output_artifact_path: str) -> None:
        Path(output_artifact_path).write_text(self.content, encoding="utf-8")

    def _load_content_from_file(self, local_artifact_path: str) -> str:
        self._content = Path(local_artifact_path).read_text(encoding="utf-8")
        return self._content


_KINDS = {".json": Json, ".parquet": Table, ".html": Page}


def artifacts_of(run_id: str, paths: Iterable[str]) -> dict[str, Any]:
    """Files of a run by their paths."""
    return {
        path: _KINDS[Path(path).suffix](uri=get_artifact_uri(run_id, path))
        for path in paths
    }
