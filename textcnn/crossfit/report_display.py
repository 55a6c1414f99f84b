"""Show a cross-fit report as text, HTML or a plot."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd

from textcnn.crossfit.report_drawing import draw_folds, draw_legend, draw_spread, fold_image
from textcnn.utils.plotting import import_pyplot

_MOST_LISTED = 20
_WITHOUT = "score without duplicates"


def as_text(report) -> str:
    """Return headline, summary, folds and remarks."""
    scores = _fold_frame(report)
    blocks = [
        f"{_headline(report)}\n{_verification(report)}",
        aligned(_shown(_summary_frame(report))),
        aligned(_shown(scores.head(_MOST_LISTED))),
    ]
    if len(scores) > _MOST_LISTED:
        blocks[-1] += f"\n… {len(scores) - _MOST_LISTED} more lines in .scores"
    remarks = _remarks(report)
    if remarks:
        blocks.append("\n".join(f"- {remark}" for remark in remarks))
    return "\n\n".join(blocks)


def as_html(report) -> str:
    """Return the same for a notebook; every name is escaped."""
    scores = _fold_frame(report)
    remarks = "".join(f"<li>{html.escape(remark)}</li>" for remark in _remarks(report))
    return (
        f"<div><p><b>{html.escape(_headline(report))}</b><br>"
        f"{html.escape(_verification(report)).replace(chr(10), '<br>')}</p>"
        f"{_shown(_summary_frame(report)).to_html(index=False, escape=True)}"
        f"<details><summary>{len(scores)} folds</summary>"
        f"{_shown(scores).to_html(index=False, escape=True)}</details>"
        f"<ul>{remarks}</ul></div>"
    )


def plot(report, ax=None):
    """Draw folds and scores; return both Axes."""
    plt = import_pyplot()
    if ax is None:
        height = 1.6 + 0.22 * max(report.plan.n_models, 5)
        _, ax = plt.subplots(1, 2, figsize=(10, min(height, 12)), layout="constrained")
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != 2:
        raise ValueError(
            "plot needs a pair of Axes, one for the folds and one for the scores, e.g. "
            f"plt.subplots(1, 2)[1]. Received: {len(axes)} Axes."
        )
    draw_folds(axes[0], *fold_image(report))
    _draw_scores(report, axes[1])
    return axes


def _headline(report) -> str:
    plan = report.plan
    n_columns = len(report.columns)
    refit = " and a refit" if report.serves_refit else ""
    parts = [
        f"Cross-fit of {n_columns} column{'s' if n_columns > 1 else ''}",
        f"{plan.n_models} fold models{refit}{' each' if n_columns > 1 else ''}",
        f"{plan.n_rows:,} rows",
        f"{report.target.kind} target",
    ]
    if plan.groups is not None:
        parts.append(f"{len(np.unique(plan.groups)):,} groups kept together")
    if plan.ordered:
        parts.append("in time order")
    if plan.sample_weight is not None:
        parts.append("weighted")
    return ", ".join(parts)


def _verification(report) -> str:
    """Describe what was verified and what was not, or how to verify."""
    if not report.verified:
        return (
            "Not verified: print(report.verify()) checks that no model predicted a row that it was "
            "trained on."
        )
    fed = predicted = 0
    for record in report.columns:
        fed += sum(
            len(np.unique(rows["learn"])) + len(np.unique(rows["stop"])) for rows in record.fed
        )
        predicted += sum(len(np.unique(rows["predict"])) for rows in record.fed)
    found = ["no row in common"]
    if report.plan.groups is not None:
        found.append("no group in common")
    if report.plan.ordered:
        found.append("only earlier training rows")
    lines = [
        f"Verified: {predicted:,} predictions, compared with the {fed:,} training and validation "
        f"rows of their models: {', '.join(found)}.",
        *(f"Verified: {line}." for line in report.verification.checked[1:]),
        *(f"Not checked: {line}." for line in report.verification.not_checked),
    ]
    return "\n".join(lines)


def _summary_frame(report) -> pd.DataFrame:
    lines = report.summary
    twice = report.duplicates
    frame = pd.DataFrame(
        {
            "column": lines["column"],
            "metric": lines["metric"],
            "score ± spread": _with_spread(lines["score"], lines["spread"]),
            "prior": lines["prior"],
            "lift": lines["lift"],
            "epochs": lines["epochs"].round(1),
            "seconds": lines["seconds"].round(1),
        }
    )
    if twice["share"].any():
        frame["duplicates"] = [f"{share:.1%}" for share in twice["share"]]
        frame[_WITHOUT] = twice["score_without"]
    if any(record.words.get("dim") for record in report.columns):
        frame["tokens with vector"] = [
            f"{known / tokens:.1%}" if tokens else ""
            for known, tokens in zip(lines["tokens_with_vector"], lines["tokens"], strict=True)
        ]
    return frame


def _fold_frame(report) -> pd.DataFrame:
    frame = report.scores.drop(columns="why_nan")
    return frame.assign(seconds=frame["seconds"].round(1))


def _remarks(report) -> list[str]:
    """Return the report's notes and remarks about missing numbers."""
    remarks = list(report.notes)
    uncovered = len(report.plan.uncovered)
    if uncovered:
        remarks.append(f"No model predicts {uncovered:,} of {report.plan.n_rows:,} rows.")
    for record in report.columns:
        if record.words.get("texts_cut"):
            cut, texts = record.words["texts_cut"], record.words["texts"]
            remarks.append(f"{record.name}: {cut:,} of {texts:,} texts were cut at max_length.")
    reasons: dict[tuple[str, str, str], list[int]] = {}
    for line in report.scores.to_dict("records"):
        if line["why_nan"]:
            key = (line["column"], line["metric"], line["why_nan"])
            reasons.setdefault(key, []).append(line["model"])
    for (column, metric, reason), models in reasons.items():
        of = ", ".join(map(str, models[:10])) + (", …" if len(models) > 10 else "")
        remarks.append(
            f"{column}: no {metric} for model{'s' if len(models) > 1 else ''} {of} ({reason})."
        )
    return remarks


def _with_spread(means, spreads) -> list[str]:
    return [
        f"{mean:.3f} ± {spread:.3f}" if np.isfinite(spread) else f"{mean:.3f}"
        for mean, spread in zip(means, spreads, strict=True)
    ]


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Format scores with three decimals."""
    frame = frame.copy()
    for name in frame.columns.intersection(["score", "prior", "lift", _WITHOUT]):
        frame[name] = [f"{value:.3f}" for value in frame[name]]
    return frame


def aligned(frame: pd.DataFrame) -> str:
    """Return a frame as text, with two spaces between columns."""
    lines = [[str(name) for name in frame.columns], *frame.astype(str).to_numpy().tolist()]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def _draw_scores(report, ax) -> None:
    """Draw the first metric: a dot per fold, mean and spread, and the mean of the prior."""
    metric = report.metrics[0]
    lines, summary = report.scores, report.summary
    for place, record in enumerate(report.columns):
        mine = lines[(lines["column"] == record.name) & (lines["metric"] == metric)]
        mean = summary[(summary["column"] == record.name) & (summary["metric"] == metric)].iloc[0]
        labelled = place == 0
        draw_spread(ax, place, mine["score"], mean["score"], mean["spread"], labelled=labelled)
        ax.plot(
            [mean["prior"]] * 2,
            [place - 0.4, place + 0.4],
            color="#555555",
            linestyle="--",
            label="prior" if labelled else None,
        )
    ax.set_yticks(range(len(report.columns)), [record.name for record in report.columns])
    ax.set_ylim(len(report.columns) - 0.4, -0.6)
    ax.set(xlabel=metric, title="Scores within folds")
    draw_legend(ax)
