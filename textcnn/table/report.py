"""The gain of each member on each column, printed and as a DataFrame."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from textcnn.crossfit.fingerprints import Verification
from textcnn.crossfit.report import CrossFitReport
from textcnn.crossfit.report_display import aligned
from textcnn.crossfit.report_tables import json_safe
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
    kinds : list of dict
        What each column of the table was taken for; :attr:`columns` shows them.
    encoders : dict
        The fitted encoder of each (column, member), if known.
    reports : dict of CrossFitReport
        The report of each (column, member) that uses the target; :meth:`verify` replaces them.
    """

    lines: list[dict]
    headline: str
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    kinds: list[dict] = field(default_factory=list)

    def __post_init__(self):
        """Start without encoders, which are not part of a stored report."""
        self.encoders: dict = {}
        self.read: Callable | None = None  # what each encoder reads of a table
        self._verified: dict[tuple[str, str], CrossFitReport] | None = None

    @property
    def reports(self) -> dict[tuple[str, str], CrossFitReport]:
        """The report of each (column, member) that uses the target."""
        if self._verified is not None:
            return self._verified
        return {k: encoder.report_ for k, encoder in self.encoders.items() if _has_report(encoder)}

    def verify(self, features=None, *, X=None) -> TableReport:
        """Verify the report of every encoder (see :meth:`CrossFitReport.verify`); return self.

        Each member was verified when it was fitted; this checks its records again. Members without
        a report, such as ``"svd"``, do not use the target.

        Parameters
        ----------
        features : DataFrame or array, optional
            The table that you train the next model on: its last columns must be what
            ``fit_transform`` returned, as float32, in the same rows and order. Other columns are
            not compared.
        X : DataFrame, array or list of rows, optional
            The table of the fit. The fold models of each member predict 90 rows again (one per
            model at least), and must return the recorded predictions, and `features` if passed.

        Raises
        ------
        LeakError
            A ValueError naming the column, the model and the rows.
        ValueError
            If `features` has too few columns or another number of rows, or X has other rows.
        """
        self._verified = None
        blocks = {} if features is None else self._blocks(features)
        inputs = {}
        if X is not None:
            if self.read is None:
                raise ValueError(
                    "This report has no encoders to predict again. Received: X. Expected: the "
                    "report_ of a fitted TableFeatures, or verify() without X."
                )
            inputs = self.read(X)
        self._verified = {
            key: report.verify(blocks.get(key), X=inputs.get(key))
            for key, report in self.reports.items()
        }
        return self

    @property
    def can_predict_again(self) -> bool:
        """Whether the fold models are kept, so that ``verify(X=X)`` can use them."""
        return self.read is not None and all(
            report.can_predict_again for report in self.reports.values()
        )

    @property
    def columns(self) -> pd.DataFrame:
        """What each column of the table was taken for, one line each.

        ``column``; ``kind``: ``"text"``, ``"image"``, ``"category"``, ``"number"``, ``"boolean"``,
        ``"date"``, ``"constant"``, ``"empty"`` or ``"unknown"``; ``reason``; ``n_outputs``: number
        of columns that it has in the output.
        """
        return pd.DataFrame(self.kinds, columns=["column", "kind", "reason", "n_outputs"])

    @property
    def verification(self) -> Verification:
        """What was checked of all members together, and what was not."""
        found = [report.verification for report in self.reports.values() if report.verified]
        return Verification(
            list(dict.fromkeys(line for one in found for line in one.checked)),
            list(dict.fromkeys(line for one in found for line in one.not_checked)),
        )

    def _blocks(self, features) -> dict[tuple[str, str], np.ndarray]:
        """Return the columns of each member of a table that ``fit_transform`` returned."""
        widths = {(line["column"], line["member"]): line["n_features"] for line in self.lines}
        widths = {key: widths[key] for key in self.encoders}
        total = sum(widths.values())
        shape = getattr(features, "shape", None) or np.shape(features)
        n_columns = shape[1] if len(shape) == 2 else 1
        if n_columns < total:
            raise ValueError(
                f"Expected the table that fit_transform returned, with {total} features as its "
                f"last columns. Received: {n_columns} columns."
            )
        start, blocks = n_columns - total, {}
        for key, width in widths.items():
            blocks[key] = _columns(features, start, start + width)
            start += width
        return blocks

    def to_dict(self) -> dict:
        """Return the report as a dict for JSON; NaN becomes None."""
        return {
            "headline": self.headline,
            "notes": list(self.notes),
            "columns": list(self.kinds),
            "members": json_safe(self.to_frame().to_dict("records")),
            "verified": self._is_verified,
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
            blocks.append(aligned(self._shown()))
        if self.kinds:
            blocks.append(aligned(self._shown_columns()))
        notes = self._all_notes()
        if notes:
            blocks.append("\n".join(f"- {note}" for note in notes))
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self._all_notes())
        table = self._shown().to_html(index=False, escape=True) if self.lines else ""
        kinds = self._shown_columns().to_html(index=False, escape=True) if self.kinds else ""
        head = f"<p><b>{html.escape(self.headline)}</b></p>"
        return f"<div>{head}{table}{kinds}<ul>{notes}</ul></div>"

    def _shown_columns(self) -> pd.DataFrame:
        """Return the columns and their kinds; of many columns the texts, and how many others."""
        frame = self.columns
        if len(frame) > _MOST_SHOWN:
            texts = frame[frame["kind"].isin(["text", "image"])].head(_MOST_SHOWN)
            counts = frame.drop(texts.index)["kind"].value_counts()
            rest = ", ".join(f"{count} {kind}" for kind, count in counts.items())
            line = {"column": "…", "kind": "", "reason": rest, "n_outputs": ""}
            frame = pd.concat([texts.astype(object), pd.DataFrame([line])])
        return frame.rename(columns={"kind": "taken for", "n_outputs": "outputs"})

    def _all_notes(self) -> list[str]:
        if not self._is_verified:
            return self.notes
        reports = self.reports
        names = ", ".join(f"{member} of {column}" for column, member in reports)
        lines = [f"Verified: no model predicted a row that it was trained on ({names})."]
        found = self.verification
        lines += [f"Verified: {line}." for line in found.checked[1:]]
        lines += [f"Not checked: {line}." for line in found.not_checked]
        return [*self.notes, *lines]

    @property
    def _is_verified(self) -> bool:
        reports = self.reports
        return bool(reports) and all(report.verified for report in reports.values())

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


# Of a table with more columns the report shows the texts only.
_MOST_SHOWN = 30


def _columns(features, start: int, end: int) -> np.ndarray:
    """Return some columns of a table of any type."""
    if hasattr(features, "iloc"):
        return features.iloc[:, start:end]
    return features[:, start:end]


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
    selection : {"all", "positive", "significant"}
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
    if selection != "all":
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
    report.notes += _repeated_texts(stage)
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
        "No text column was found, so the table has no text features. Expected columns of strings "
        "with more than 40 distinct values. "
        f'Received: columns={columns!r}. Name them: TableFeatures(columns=["review"]).'
    )


def doubt_of(kind) -> str:
    """Return the warning of a column that is nearly one of dates or numbers, or an empty string."""
    if kind.kind not in ("text", "category") or not kind.advice:
        return ""
    return (
        f"Column {kind.name!r} is read as {kind.kind}: {kind.reason}. Expected: dates or numbers "
        f"in all cells. Type X[{kind.name!r}] = {kind.advice} to make the others missing, or name "
        "the text columns by columns=."
    )


def columns_of_report(kinds, others, kept) -> list[dict]:
    """Return what each column was taken for, and how many output columns it has."""
    n_outputs = others.n_outputs()
    features: dict[str, int] = {}
    for entry in kept:
        features[entry.text.name] = features.get(entry.text.name, 0) + len(entry.fitted.names)
    return [
        {
            "column": kind.name,
            "kind": kind.kind,
            "reason": kind.reason,
            "n_outputs": n_outputs.get(number, 0) + features.get(kind.name, 0),
        }
        for number, kind in enumerate(kinds)
    ]


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
    if selection != "all":
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


def _repeated_texts(stage) -> list[str]:
    """Note per column how many rows have a text of the training rows of the model of their fold."""
    notes, seen = [], set()
    for entry in stage.entries:
        if entry.fitted is None or not _has_report(entry.fitted.encoder) or id(entry.text) in seen:
            continue
        seen.add(id(entry.text))
        line = entry.fitted.encoder.report_.duplicates.iloc[0]
        if line["n_duplicates"]:
            notes.append(
                f"{entry.text.name}: {line['n_duplicates']:,} rows ({line['share']:.1%}) have a "
                "text that also occurs in the training rows of the model that predicted them, "
                'apart from case and spaces. groups="documents" keeps them in the same fold.'
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
    if selection != "all" and not any(entry.kept for entry in stage.entries):
        gain = "significant gain" if selection == "significant" else "gain"
        found.append(f"No member has a {gain}, so the table has no text features.")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
