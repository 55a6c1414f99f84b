"""The gain of each member on each column, printed and as a DataFrame."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from textcnn.crossfit.report import CrossFitReport, json_safe
from textcnn.crossfit.report_display import _aligned
from textcnn.table.stack import is_nested

NESTED = (
    "Gains are nested: a stack is trained on rows of one fold, predicted by the model that was not "
    "trained on them, and is scored on other rows of the fold."
)
OPTIMISTIC = (
    "Gains are optimistic: several models predict a row, so the stack is trained on predictions of "
    "models that were trained on the targets it is scored on."
)
IN_TIME = "Gains are from folds in time order: the stack is scored on later rows only."


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
        The notes that are also warnings.
    encoders : dict
        The fitted encoder of each (column, member), if known.
    reports : dict of CrossFitReport
        The report of each (column, member), after :meth:`verify`.
    """

    lines: list[dict]
    headline: str
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self):
        """Start without encoders, which are not part of a stored report."""
        self.encoders: dict = {}
        self.reports: dict[tuple[str, str], CrossFitReport] = {}

    def verify(self) -> TableReport:
        """Verify the report of every encoder (see :meth:`CrossFitReport.verify`); return self.

        Members without a report, such as ``"svd"``, do not use the target.

        Raises
        ------
        LeakError
            A ValueError naming the column, the model and the rows.
        """
        supervised = {k: encoder for k, encoder in self.encoders.items() if _has_report(encoder)}
        self.reports = {key: encoder.report_.verify() for key, encoder in supervised.items()}
        return self

    def to_dict(self) -> dict:
        """Return the report as a dict for JSON; NaN becomes None."""
        return {
            "headline": self.headline,
            "notes": list(self.notes),
            "members": json_safe(self.to_frame().to_dict("records")),
            "verified": bool(self.reports),
            "reports": {
                f"{column}, {member}": report.to_dict()
                for (column, member), report in self.reports.items()
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one line per column and member.

        ``n_features``; ``metric``; ``score`` and ``spread``: mean and standard deviation over
        folds, of the out-of-fold predictions, or of a linear model on the features if they are
        not predictions (``scored_by``); ``gain`` and ``gain_error``: mean improvement over the
        members above it and the other columns, in a linear stack of out-of-fold predictions,
        paired by fold, and its standard error; ``gain_margin``: what a gain must exceed to be
        significant, two standard errors for many folds and more for few; ``n_folds`` of the gain;
        ``seconds``; ``verdict``; ``kept``: whether its features are in the table.
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
        if not self.reports:
            return self.notes
        names = ", ".join(f"{member} of {column}" for column, member in self.reports)
        verified = f"Verified: no model predicted a row that it was trained on ({names})."
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
                "margin": [f"{x:.3f}" if np.isfinite(x) else "–" for x in frame["gain_margin"]],
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
    "gain_margin",
    "n_folds",
    "seconds",
    "verdict",
    "kept",
)


def _has_report(encoder) -> bool:
    return hasattr(type(encoder), "report_")


def _pairs(values, errors, sign: str) -> list[str]:
    """Return numbers with their error, or a dash for missing numbers."""
    shown = []
    for value, error in zip(values, errors, strict=True):
        text = f"{value:{sign}.3f}" if np.isfinite(value) else "–"
        shown.append(f"{text} ± {error:.3f}" if np.isfinite(error) else text)
    return shown


def report_of(stage, selection: str, texts, *, n_others: int, n_used: int) -> TableReport:
    """Return the report of a finished :class:`~textcnn.table.fitting.TableFit`.

    Parameters
    ----------
    stage : TableFit
    selection : {"all", "significant"}
    texts : sequence of TextColumn
    n_others, n_used : int
        Number of other columns of the table, and of those in the stack.
    """
    plan = stage.plans[0]
    lines = [_line(stage, entry, selection) for entry in stage.entries]
    n_plans = len(stage.plans)
    others = f"with {n_used} of {n_others} other columns" if n_others else "without other columns"
    headline = (
        f"Text features of {_count(len(texts), 'column')}, {plan.n_rows:,} rows, "
        f"{stage.target.kind} target, {_count(plan.n_models, 'fold model')} per member. Gains "
        f"{others}, over {_count(n_plans, 'fold plan')}."
    )
    report = TableReport(lines, headline)
    nested = NESTED if is_nested(plan) else OPTIMISTIC
    report.notes = [IN_TIME if plan.ordered else nested, *_margin_note(stage), *plan.notes]
    if selection == "significant":
        report.notes.append(
            "Members were selected with the training target: evaluate the selection on other rows."
        )
        n_looks = sum(line["n_folds"] > 0 for line in lines)
        if n_looks > 1:
            report.notes.append(f"{n_looks} gains were tested, with a Bonferroni correction.")
        if not stage.maker.can_repeat(plan):
            report.notes.append("One fold plan only: cv has no random folds to repeat.")
    if plan.groups is not None or plan.ordered:
        fitted = [entry.fitted for entry in stage.entries if entry.fitted is not None]
        unsupervised = {member.member for member in fitted if not member.is_supervised}
        report.notes += [
            f"{name} does not use the target, but the texts of all rows, ignoring group and time."
            for name in sorted(unsupervised)
        ]
    report.notes += _advice(lines)
    for entry in stage.entries:
        for note in entry.fitted.notes if entry.fitted is not None else ():
            report.notes.append(f"{entry.text.name}, {entry.member.name}: {note}.")
    report.warnings = _warnings(stage, selection, texts)
    report.notes += report.warnings
    return report


def _margin_note(stage) -> list[str]:
    """Note how many standard errors the margin of gains is, which depends on the folds."""
    gains = [entry.gain for entry in stage.entries if entry.gain is not None]
    widest = max(
        (gain for gain in gains if gain.n_folds > 1), key=lambda g: g.n_errors, default=None
    )
    if widest is None:
        return []
    return [
        f"A gain is significant above its margin: {widest.n_errors:.1f} standard errors over "
        f"{widest.n_folds} folds (Student's t). More folds narrow it."
    ]


def nothing_to_do(texts, columns) -> str:
    """Return the reason why no features are made."""
    if texts:
        names = [text.name for text in texts]
        return f"No text: all cells of {names} are empty. No features were made."
    return (
        "No text column was found, so the table is returned unchanged. Expected columns of strings "
        "with at least three words per cell and at least 5 % distinct values. "
        f'Received: columns={columns!r}. Name them: TableFeatures(columns=["review"]).'
    )


def _line(stage, entry, selection: str) -> dict:
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
        "gain_margin": gain.margin if gain is not None else np.nan,
        "n_folds": gain.n_folds if gain is not None else 0,
        "seconds": fitted.seconds if fitted is not None else np.nan,
        "verdict": entry.why_not or _verdict(gain, selection),
        "kept": entry.kept,
    }
    if fitted is not None:
        line["score"], line["spread"], line["scored_by"] = stage.score(entry)
    return line


def _verdict(gain, selection: str) -> str:
    if selection == "significant":
        return "kept"
    if not np.isfinite(gain.mean) or not np.isfinite(gain.error):
        return "gain could not be measured"
    if gain.is_earned:
        return "significant gain"
    return "significant loss" if gain.mean < -gain.margin else "not significant"


def _advice(lines: list[dict]) -> list[str]:
    """Note where a member that does not use the target scores best."""
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
                f"{other['member']} with {other['score']:.3f}. This can happen in small tables."
            )
    return notes


def _warnings(stage, selection: str, texts) -> list[str]:
    """Return the notes that are also warnings."""
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
        found.append(f"No text: all cells of {empty} are empty. No features were made from them.")
    if selection == "significant" and not any(entry.kept for entry in stage.entries):
        found.append("No member has a significant gain, so the table has no text features.")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
