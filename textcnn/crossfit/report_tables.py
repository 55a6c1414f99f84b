"""The tables of a report: which model predicted a row, scores by fold, and repeated documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from textcnn.crossfit.assignments import FoldPlan
from textcnn.crossfit.records import ColumnRecord
from textcnn.crossfit.scoring import Scoring


class ReportTables:
    """The lines of a report's tables, computed when they are first read.

    Parameters
    ----------
    records : sequence of ColumnRecord
    plan : FoldPlan
    scoring : Scoring
    """

    def __init__(self, records: Sequence[ColumnRecord], plan: FoldPlan, scoring: Scoring):
        self.records = records
        self.plan = plan
        self.scoring = scoring

    def membership(self) -> pd.DataFrame:
        """Return a line per column, row and model that predicted it."""
        frames = []
        for record in self.records:
            n_learn, n_stop = _sizes_of_training(record)
            predicted = [np.unique(fed["predict"]) for fed in record.fed]
            sizes = [len(rows) for rows in predicted]
            uncovered = np.setdiff1d(np.arange(self.plan.n_rows), np.concatenate(predicted))
            rows = np.concatenate([*predicted, uncovered])
            models = np.concatenate(
                [np.repeat(np.arange(len(sizes)), sizes), np.full(len(uncovered), -1)]
            )
            order = np.lexsort((models, rows))
            models = models[order].astype(np.int64)
            frame = pd.DataFrame({"column": record.name, "row": rows[order], "model": models})
            frame["n_learn"] = np.append(n_learn, 0)[models]
            frame["n_stop"] = np.append(n_stop, 0)[models]
            frame["model"] = frame["model"].astype("Int64").mask(models < 0)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def scores(self) -> list[dict]:
        """A line per column, model and metric."""
        lines = []
        for record in self.records:
            n_learn, n_stop = _sizes_of_training(record)
            for model, (rows, predictions, prior) in enumerate(self._predicted(record)):
                for metric in self.scoring.metrics:
                    score, reason = self.scoring.score(metric, rows, predictions)
                    prior_score, _ = self.scoring.score(metric, rows, prior)
                    lines.append(
                        {
                            "column": record.name,
                            "model": model,
                            "metric": metric,
                            "score": score,
                            "prior": prior_score,
                            "n_rows": int(self.scoring.is_scored[rows].sum()),
                            "n_learn": int(n_learn[model]),
                            "n_stop": int(n_stop[model]),
                            "epochs": int(record.epochs[model]),
                            "updates": int(record.updates[model]),
                            "seconds": float(record.seconds[model]),
                            "why_nan": reason or "",
                        }
                    )
        return lines

    @cached_property
    def summary(self) -> list[dict]:
        """A line per column and metric."""
        lines = []
        for record in self.records:
            for metric in self.scoring.metrics:
                mine = [
                    line
                    for line in self.scores
                    if line["column"] == record.name and line["metric"] == metric
                ]
                scores = np.array([line["score"] for line in mine])
                prior = np.array([line["prior"] for line in mine])
                found = ~np.isnan(scores)
                lines.append(
                    {
                        "column": record.name,
                        "metric": metric,
                        "score": _mean(scores[found]),
                        "spread": _spread(scores[found]),
                        "prior": _mean(prior[found]),
                        "lift": _mean(scores[found] - prior[found]),
                        "n_folds": int(found.sum()),
                        "n_folds_without_score": int((~found).sum()),
                        "epochs": float(np.mean(record.epochs)),
                        "seconds": float(np.sum(record.seconds)),
                        **record.words,
                    }
                )
        return lines

    @cached_property
    def duplicates(self) -> list[dict]:
        """A line per column and metric: scores with and without documents known from training."""
        lines = []
        for record in self.records:
            known, parts = [], []
            for model, (rows, predictions, _) in enumerate(self._predicted(record)):
                documents = record.documents[rows]
                learnt = record.documents[np.unique(record.fed[model]["learn"])]
                twice = np.isin(documents, learnt) & (documents != 0)
                known.append(twice)
                parts.append((rows, predictions, ~twice))
            n_known = int(np.sum([twice.sum() for twice in known]))
            for metric in self.scoring.metrics:
                pairs = np.array(
                    [
                        (
                            self.scoring.score(metric, rows, predictions)[0],
                            self.scoring.score(metric, rows[new], predictions[new])[0],
                        )
                        for rows, predictions, new in parts
                    ]
                )
                pairs = pairs[~np.isnan(pairs).any(axis=1)]
                lines.append(
                    {
                        "column": record.name,
                        "metric": metric,
                        "share": n_known / sum(map(len, known)),
                        "n_duplicates": n_known,
                        "score": _mean(pairs[:, 0]),
                        "score_without": _mean(pairs[:, 1]),
                        "n_folds": len(pairs),
                    }
                )
        return lines

    def _predicted(self, record) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield per model its predicted rows, predictions, and predictions of the base rate."""
        found = zip(self.plan.assignments, record.predictions, record.prior, strict=True)
        for assignment, predictions, prior in found:
            yield assignment.predict, predictions, np.broadcast_to(prior, predictions.shape)


def _sizes_of_training(record: ColumnRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of distinct training and validation rows per model."""
    n_learn, n_stop = (
        np.array([len(np.unique(fed[use])) for fed in record.fed]) for use in ("learn", "stop")
    )
    return n_learn, n_stop


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation, NaN for a single fold."""
    return float(values.std(ddof=1)) if len(values) > 1 else np.nan


def json_safe(value):
    """Convert to Python types recursively; NaN and infinity become None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [json_safe(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
