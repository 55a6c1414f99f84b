"""Plots of a cross-fit: folds, scores per output, and gains of members."""

from __future__ import annotations

import numpy as np
import pandas as pd

from textcnn.crossfit.output_scores import output_scores
from textcnn.crossfit.report_drawing import draw_folds, draw_legend, draw_spread, fold_image
from textcnn.utils.plotting import import_pyplot

_METRICS = {"roc_auc": "ROC AUC within folds", "r2": "R² within folds"}
_KEPT, _NOT_KEPT = "#4a7fa5", "#999999"


class FoldsDisplay:
    """Training, validation and predicted rows of each fold model.

    Rows are in time order, if there is one, otherwise sorted by the model that predicts them and by
    group. If rows have groups, a strip below shows them.

    Parameters
    ----------
    uses : ndarray of int, shape (n_models, n_rows)
        0 not used, 1 training, 2 validation, 3 predicted; rows in drawing order. From the recorded
        rows, not from the plan.
    groups : ndarray of shape (n_rows,) or None
        Groups of the rows, in the same order.
    label : str
        Description of the order.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from textcnn import TextLinearEncoder
    >>> from textcnn.inspect import FoldsDisplay
    >>> texts = ["good film", "bad film", "a good plot", "a bad plot"] * 10
    >>> encoder = TextLinearEncoder(random_state=0).fit(texts, [1, 0, 1, 0] * 10)
    >>> FoldsDisplay.from_estimator(encoder).uses.shape
    (5, 40)
    """

    def __init__(self, *, uses, groups, label):
        self.uses = uses
        self.groups = groups
        self.label = label

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the folds of a fitted encoder.

        Parameters
        ----------
        estimator : encoder with a ``report_`` of its cross-fit
            For ``TableFeatures`` use one of its encoders: all have the same folds.
        ax : matplotlib Axes, optional

        Returns
        -------
        FoldsDisplay
        """
        uses, groups, label = fold_image(_cross_fit_of(estimator))
        return cls(uses=uses, groups=groups, label=label).plot(ax)

    def plot(self, ax=None):
        """Draw a line per model.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        FoldsDisplay
        """
        if ax is None:
            ax = _new_axes(len(self.uses) + (self.groups is not None), width=7)
        draw_folds(ax, self.uses, self.groups, self.label, strip=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class OutputScoresDisplay:
    """Out-of-fold scores of each output: a dot per fold, mean and spread.

    One-vs-rest ROC AUC for classes and labels, R² for regression. The spread is the standard
    deviation over folds, not a confidence interval for the mean: folds share training rows.

    Parameters
    ----------
    scores : DataFrame
        ``column``, ``output``, ``model``, ``metric``, ``score``, ``n_rows``: a line per fold.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from textcnn import TextLinearEncoder
    >>> from textcnn.inspect import OutputScoresDisplay
    >>> texts = ["good film", "bad film", "a good plot", "a bad plot"] * 10
    >>> encoder = TextLinearEncoder(random_state=0).fit(texts, [1, 0, 1, 0] * 10)
    >>> OutputScoresDisplay.from_estimator(encoder).scores["score"].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, *, scores: pd.DataFrame):
        self.scores = scores

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Score and draw the out-of-fold predictions of a fitted encoder.

        Parameters
        ----------
        estimator : encoder with a ``report_`` of its cross-fit
        ax : matplotlib Axes, optional

        Returns
        -------
        OutputScoresDisplay
        """
        return cls(scores=output_scores(_cross_fit_of(estimator))).plot(ax)

    def plot(self, ax=None):
        """Draw a line per column and output.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        OutputScoresDisplay
        """
        lines = list(self.scores.groupby(["column", "output"], sort=False))
        if ax is None:
            ax = _new_axes(len(lines), width=6)
        several = self.scores["column"].nunique() > 1
        labels = []
        for place, ((column, output), line) in enumerate(lines):
            scores = line["score"].dropna()
            spread = scores.std(ddof=1) if len(scores) > 1 else np.nan
            draw_spread(ax, place, scores, scores.mean(), spread, labelled=place == 0)
            labels.append(f"{column}: {output}" if several and output else output or column)
        metric = self.scores["metric"].iloc[0]
        ax.axvline(
            0.0 if metric == "r2" else 0.5, color="#555555", linestyle="--", label="no information"
        )
        ax.set_yticks(range(len(lines)), labels)
        ax.set_ylim(len(lines) - 0.4, -0.6)
        ax.set(xlabel=_METRICS[metric], title="Out-of-fold score of each output")
        draw_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class GainsDisplay:
    """The gain of each member of a ``TableFeatures``, with its standard error.

    A gain is the improvement by a member, in a linear stack, over the other columns of the table
    and the members drawn above it. The thin bar is the margin: two standard errors for many folds,
    more for few. Gains whose thin bar reaches zero are not
    significant; verdicts are slightly stricter with few folds.

    Parameters
    ----------
    gains : DataFrame
        ``report_.to_frame()`` of a fitted ``TableFeatures``.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from textcnn.inspect import GainsDisplay
    >>> gains = pd.DataFrame({"column": "review", "member": ["linear", "cnn"], "metric": "roc_auc",
    ...     "gain": [0.2, 0.01], "gain_error": [0.02, 0.01], "kept": True, "verdict": "kept"})
    >>> GainsDisplay(gains=gains).plot().ax_.get_xlabel()
    'gain in roc_auc, with its standard error and its margin'
    """

    def __init__(self, *, gains: pd.DataFrame):
        needed = {"column", "member", "metric", "gain", "gain_error", "kept", "verdict"}
        missing = needed - set(getattr(gains, "columns", ()))
        if missing or not len(gains):
            raise ValueError(
                "Expected: gains=report_.to_frame() of a fitted TableFeatures. "
                f"Received: a {type(gains).__name__} without {sorted(missing) or 'rows'}."
            )
        self.gains = gains

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the gains of a fitted ``TableFeatures``.

        Parameters
        ----------
        estimator : TableFeatures
        ax : matplotlib Axes, optional

        Returns
        -------
        GainsDisplay
        """
        return cls(gains=estimator.report_.to_frame()).plot(ax)

    def plot(self, ax=None):
        """Draw a line per column and member.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        GainsDisplay
        """
        if ax is None:
            ax = _new_axes(len(self.gains), width=7)
        several = self.gains["column"].nunique() > 1
        labels = []
        for place, line in enumerate(self.gains.to_dict("records")):
            labels.append(f"{line['column']}: {line['member']}" if several else line["member"])
            if not np.isfinite(line["gain"]):
                ax.text(0, place, f" {line['verdict']}", va="center", fontsize=8, color=_NOT_KEPT)
                continue
            colour = _KEPT if line["kept"] else _NOT_KEPT
            error = line["gain_error"] if np.isfinite(line["gain_error"]) else 0.0
            margin = line.get("gain_margin", np.nan)
            margin = margin if np.isfinite(margin) else 2 * error
            ax.errorbar(line["gain"], place, xerr=margin, color=colour, linewidth=1)
            ax.errorbar(line["gain"], place, xerr=error, fmt="o", color=colour, linewidth=3.5)
        ax.axvline(0, color="#555555", linestyle="--", linewidth=1)
        ax.set_yticks(range(len(labels)), labels)
        ax.set_ylim(len(labels) - 0.4, -0.6)
        metric = self.gains["metric"].iloc[0]
        title = "Gain of each member" + ("" if several else f" on {self.gains['column'][0]}")
        ax.set(xlabel=f"gain in {metric}, with its standard error and its margin", title=title)
        if not self.gains["kept"].all():
            for colour, name in ((_KEPT, "kept"), (_NOT_KEPT, "not kept")):
                ax.plot([], [], "o", color=colour, label=name)
            draw_legend(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _cross_fit_of(estimator):
    """Return the report of an encoder."""
    report = estimator.report_
    if not hasattr(report, "plan"):
        raise TypeError(
            "This plot needs the report of one cross-fit. Expected: an encoder with out-of-fold "
            "features, for TableFeatures one of its encoders. "
            f"Received: {type(estimator).__name__}."
        )
    return report


def _new_axes(n_lines: int, *, width: float):
    """Return Axes with a height for some lines."""
    plt = import_pyplot()
    height = min(1.6 + 0.32 * max(n_lines, 2), 12)
    return plt.subplots(figsize=(width, height), layout="constrained")[1]
