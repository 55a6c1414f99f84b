"""What each member earned on each column, as a table to read and to compute with."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from textcnn.crossfit.report import CrossFitReport, json_safe
from textcnn.crossfit.report_display import _aligned
from textcnn.table.stack import is_nested

NESTED = (
    "Gains are nested: a stack learns from rows of one fold, predicted by the model that saw none "
    "of their targets, and is scored on the fold's other rows."
)
OPTIMISTIC = (
    "Gains are optimistic: several models predict a row, so the stack learns from predictions of "
    "models that knew the targets it is scored on."
)
IN_TIME = "Gains come from folds in order of time: the stack knew no target that it is scored on."


@dataclass
class TableReport:
    """Scores and gains per column and member; printed by ``print(encoder.report_)``.

    Attributes
    ----------
    lines : list of dict
        One per column and member, in the order in which gains were measured.
    headline : str
    notes : list of str
    warnings : list of str
        Those notes that were warned of.
    encoders : dict
        The fitted encoder of each (column, member), if it has been said; each has a receipt.
    receipts : dict of CrossFitReport
        Receipt of each (column, member) once :meth:`verify` has found it right.
    """

    lines: list[dict]
    headline: str
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self):
        """Start without encoders, which are stored beside a report, not in it."""
        self.encoders: dict = {}
        self.receipts: dict[tuple[str, str], CrossFitReport] = {}

    def verify(self) -> TableReport:
        """Verify the receipt of every encoder (see :meth:`CrossFitReport.verify`); return this.

        Members without a receipt, such as ``"svd"``, know no target.

        Raises
        ------
        LeakError
            A ValueError naming the column, the model and the rows.
        """
        supervised = {k: encoder for k, encoder in self.encoders.items() if _has_receipt(encoder)}
        self.receipts = {key: encoder.report_.verify() for key, encoder in supervised.items()}
        return self

    def to_dict(self) -> dict:
        """Return the report as what JSON can hold; NaN is None."""
        return {
            "headline": self.headline,
            "notes": list(self.notes),
            "members": json_safe(self.to_frame().to_dict("records")),
            "verified": bool(self.receipts),
            "receipts": {
                f"{column}, {member}": receipt.to_dict()
                for (column, member), receipt in self.receipts.items()
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one line per column and member.

        ``n_features``; ``metric``; ``score`` and ``spread``: mean and standard deviation over
        folds of the out-of-fold predictions, or of a linear model on the features where these
        are no predictions (``scored_by``); ``gain`` and ``gain_error``: what the member adds to
        those above it and the other columns in a linear stack of out-of-fold predictions, paired
        by fold, and its standard error; ``n_folds`` of the gain; ``seconds``; ``verdict``;
        ``kept``: whether its features are in the table.
        """
        return pd.DataFrame(self.lines, columns=list(COLUMNS)).astype(
            {"n_features": "int64", "kept": bool, "n_folds": "int64"}
        )

    def __repr__(self) -> str:
        """Show headline, lines and notes as text."""
        blocks = [self.headline]
        if self.lines:
            blocks.append(_aligned(self._shown()))
        notes = self._all_notes()
        if notes:
            blocks.append("\n".join(f"- {note}" for note in notes))
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self._all_notes())
        table = self._shown().to_html(index=False, escape=True) if self.lines else ""
        return f"<div><p><b>{html.escape(self.headline)}</b></p>{table}<ul>{notes}</ul></div>"

    def _all_notes(self) -> list[str]:
        if not self.receipts:
            return self.notes
        names = ", ".join(f"{member} of {column}" for column, member in self.receipts)
        verified = f"Verified by records of training: no model predicted what it knew ({names})."
        return [*self.notes, verified]

    def _shown(self) -> pd.DataFrame:
        frame = self.to_frame()
        return pd.DataFrame(
            {
                "column": frame["column"],
                "member": frame["member"],
                "features": frame["n_features"],
                "metric": frame["metric"],
                "score ± spread": _pairs(frame["score"], frame["spread"], ""),
                "gain ± error": _pairs(frame["gain"], frame["gain_error"], "+"),
                "seconds": [f"{value:.1f}" for value in frame["seconds"]],
                "verdict": frame["verdict"],
            }
        )


COLUMNS = (
    "column",
    "member",
    "n_features",
    "metric",
    "score",
    "spread",
    "scored_by",
    "gain",
    "gain_error",
    "n_folds",
    "seconds",
    "verdict",
    "kept",
)


def _has_receipt(encoder) -> bool:
    return hasattr(type(encoder), "report_")


def _pairs(values, errors, sign: str) -> list[str]:
    """Return numbers with their uncertainty, a dash where there is none."""
    shown = []
    for value, error in zip(values, errors, strict=True):
        text = f"{value:{sign}.3f}" if np.isfinite(value) else "–"
        shown.append(f"{text} ± {error:.3f}" if np.isfinite(error) else text)
    return shown


def report_of(stage, keep: str, texts, *, n_others: int, n_used: int) -> TableReport:
    """Return the report of a finished :class:`~textcnn.table.fitting.TableFit`.

    Parameters
    ----------
    stage : TableFit
    keep : {"all", "earning"}
    texts : sequence of TextColumn
    n_others, n_used : int
        Other columns of the table, and those of them that stand in the stack.
    """
    plan = stage.plans[0]
    lines = [_line(stage, entry, keep) for entry in stage.entries]
    n_plans = len(stage.plans)
    beside = f"beside {n_used} of {n_others} other columns" if n_others else "without other columns"
    headline = (
        f"Text features of {_count(len(texts), 'column')}, {plan.n_rows:,} rows, "
        f"{stage.target.kind} target, {_count(plan.n_models, 'fold model')} per member. Gains "
        f"{beside}, over {_count(n_plans, 'fold plan')}."
    )
    report = TableReport(lines, headline)
    nested = NESTED if is_nested(plan) else OPTIMISTIC
    report.notes = [IN_TIME if plan.ordered else nested, *plan.notes]
    if keep == "earning":
        report.notes.append(
            "Members were selected by the training target: judge the selection on other rows."
        )
        n_looks = sum(line["n_folds"] > 0 for line in lines)
        if n_looks > 1:
            report.notes.append(
                f"{n_looks} gains were looked at, so each had to be the larger (Bonferroni)."
            )
        if not stage.maker.can_repeat(plan):
            report.notes.append("One fold plan only: cv cannot be drawn anew.")
    if plan.groups is not None or plan.ordered:
        fitted = [entry.fitted for entry in stage.entries if entry.fitted is not None]
        unsupervised = {member.member for member in fitted if not member.is_supervised}
        report.notes += [
            f"{name} sees no target, but all rows' texts, whatever their group or time."
            for name in sorted(unsupervised)
        ]
    report.notes += _advice(lines)
    for entry in stage.entries:
        for note in entry.fitted.notes if entry.fitted is not None else ():
            report.notes.append(f"{entry.text.name}, {entry.member.name}: {note}.")
    report.warnings = _warnings(stage, keep, texts)
    report.notes += report.warnings
    return report


def nothing_to_do(texts, columns) -> str:
    """Say why no feature is made."""
    if texts:
        names = [text.name for text in texts]
        return f"No text to learn from: all cells of {names} are empty. No features were made."
    return (
        "No text column was found, and the table comes out as it is. Expected columns of strings "
        "of three words or more per cell, 5 % of them distinct at least. "
        f'Received: columns={columns!r}. Name them: TableFeatures(columns=["review"]).'
    )


def _line(stage, entry, keep: str) -> dict:
    fitted, gain = entry.fitted, entry.gain
    line = {
        "column": entry.text.name,
        "member": entry.member.name,
        "n_features": len(fitted.names) if fitted is not None else 0,
        "metric": stage.metric,
        "score": np.nan,
        "spread": np.nan,
        "scored_by": "",
        "gain": gain.mean if gain is not None else np.nan,
        "gain_error": gain.error if gain is not None else np.nan,
        "n_folds": gain.n_folds if gain is not None else 0,
        "seconds": fitted.seconds if fitted is not None else np.nan,
        "verdict": entry.why_not or _verdict(gain, keep),
        "kept": entry.kept,
    }
    if fitted is not None:
        line["score"], line["spread"], line["scored_by"] = stage.score(entry)
    return line


def _verdict(gain, keep: str) -> str:
    if keep == "earning":
        return "kept"
    if not np.isfinite(gain.mean) or not np.isfinite(gain.error):
        return "no gain could be measured"
    if gain.is_earned:
        return "earns its place"
    return "takes away" if gain.mean < -gain.margin else "too close to call"


def _advice(lines: list[dict]) -> list[str]:
    """Say where a member that knows no target stands above those that do."""
    notes = []
    for column in dict.fromkeys(line["column"] for line in lines):
        scored = [line for line in lines if line["column"] == column and np.isfinite(line["score"])]
        without_target = [line for line in scored if line["scored_by"] != "predictions"]
        with_target = [line for line in scored if line["scored_by"] == "predictions"]
        if not without_target or not with_target:
            continue
        best = max(without_target, key=lambda line: line["score"])
        other = max(with_target, key=lambda line: line["score"])
        if best["score"] > other["score"]:
            notes.append(
                f"{column}: {best['member']} alone scores {best['score']:.3f}, above "
                f"{other['member']} with {other['score']:.3f}, as happens in small tables."
            )
    return notes


def _warnings(stage, keep: str, texts) -> list[str]:
    """Return what the user must hear even if the report is never read."""
    found = []
    late = [
        f"{entry.member.name} of {entry.text.name} ({entry.why_not.removeprefix('left out: ')})"
        for entry in stage.entries
        if entry.why_not.startswith("left out")
    ]
    if late:
        found.append(f"time_limit was too short. Left out: {'; '.join(late)}.")
    entered = [entry.text for entry in stage.entries]
    used = {id(column) for text in entered for column in getattr(text, "columns", [text])}
    empty = [text.name for text in texts if id(text) not in used]
    if empty:
        found.append(f"No text to learn from: all cells of {empty} are empty. No features of them.")
    if keep == "earning" and not any(entry.kept for entry in stage.entries):
        found.append("No member earned its place, so the table has no text features.")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
