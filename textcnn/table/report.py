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
        return {k: encoder.report_ for k, encoder in self.encoders.items() if has_report(encoder)}

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


def has_report(encoder) -> bool:
    """Return whether the encoders of a class have a report."""
    return hasattr(type(encoder), "report_")


def _pairs(values, errors, sign: str) -> list[str]:
    """Return numbers with their error, or a dash for missing numbers."""
    shown = []
    for value, error in zip(values, errors, strict=True):
        text = f"{value:{sign}.3f}" if np.isfinite(value) else "–"
        shown.append(f"{text} ± {error:.3f}" if np.isfinite(error) else text)
    return shown
