"""Out-of-fold scores of each output, per fold model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score

from textcnn.crossfit.scoring import Scoring


def output_scores(report) -> pd.DataFrame:
    """Return one line per column, output and fold model.

    ``column``, ``output`` (class, label or target; empty if there is only one), ``model``,
    ``metric``, ``score`` and ``n_rows``. The metric is one-vs-rest ROC AUC for classes and labels,
    R² for regression. A fold whose rows have a single value has no score (NaN).

    Parameters
    ----------
    report : CrossFitReport
    """
    target, weights = report.target, report.plan.sample_weight
    metric = "r2" if target.is_regression else "roc_auc"
    names = [suffix.removeprefix("_") for suffix in target.column_suffixes()]
    is_scored = Scoring(target, None, weights).is_scored
    lines = []
    for record in report.columns:
        for model, assignment in enumerate(report.plan.assignments):
            scored = is_scored[assignment.predict]
            rows = assignment.predict[scored]
            predictions = record.predictions[model][scored]
            truths = target.values[rows]
            if target.kind == "multiclass":
                truths = np.arange(target.n_outputs) == truths[:, None]
            truths = truths.reshape(len(rows), target.n_outputs)
            for number, name in enumerate(names):
                truth = truths[:, number]
                score = np.nan
                if len(np.unique(truth)) > 1:
                    compute = r2_score if metric == "r2" else roc_auc_score
                    score = compute(
                        truth,
                        predictions[:, number],
                        sample_weight=None if weights is None else weights[rows],
                    )
                lines.append(
                    {
                        "column": record.name,
                        "output": name,
                        "model": model,
                        "metric": metric,
                        "score": float(score),
                        "n_rows": len(rows),
                    }
                )
    return pd.DataFrame(lines)
