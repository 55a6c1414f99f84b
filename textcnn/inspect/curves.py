"""Learning curves of fitted networks."""

from __future__ import annotations

import pandas as pd

from textcnn.utils.plotting import import_pyplot

_COLOURS = ("#4a7fa5", "#b5332e", "#8a6d1d", "#4f7f4a", "#7a5195", "#555555")


class LearningCurvesDisplay:
    """Losses by epoch, a line per model.

    The training loss is the mean over an epoch, with dropout and augmentation; the validation loss
    (``early_stopping=True``) is computed after the epoch, without both. So the training loss may be
    larger than the validation loss.

    Parameters
    ----------
    history : DataFrame
        ``history_`` of an estimator: columns ``column``, ``model``, ``network`` if there are
        several, ``epoch``, ``loss``, and ``val_loss`` with early stopping.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from textcnn import TextCNNClassifier
    >>> from textcnn.inspect import LearningCurvesDisplay
    >>> texts = ["good film", "bad film", "a good plot", "a bad plot"] * 10
    >>> classifier = TextCNNClassifier(n_filters=4, epochs=3, random_state=0)
    >>> classifier = classifier.fit(texts, [1, 0, 1, 0] * 10)
    >>> display = LearningCurvesDisplay.from_estimator(classifier)
    >>> display.ax_.get_xlabel()
    'epoch'
    """

    def __init__(self, *, history: pd.DataFrame):
        missing = {"column", "model", "epoch", "loss"} - set(getattr(history, "columns", ()))
        if missing or not len(history):
            raise ValueError(
                "Expected: history=history_ of a fitted estimator. Received: "
                f"a {type(history).__name__} without {sorted(missing) or 'rows'}."
            )
        self.history = history

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the learning curves of a fitted estimator of text or images.

        Parameters
        ----------
        estimator : estimator with ``history_``
        ax : matplotlib Axes, optional

        Returns
        -------
        LearningCurvesDisplay
        """
        return cls.from_history(estimator.history_, ax=ax)

    @classmethod
    def from_history(cls, history, *, ax=None):
        """Draw the learning curves of a stored ``history_``.

        Parameters
        ----------
        history : DataFrame
        ax : matplotlib Axes, optional

        Returns
        -------
        LearningCurvesDisplay
        """
        return cls(history=history).plot(ax)

    def plot(self, ax=None):
        """Draw a line per model, a colour per column.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        LearningCurvesDisplay
        """
        plt = import_pyplot()
        if ax is None:
            _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
        columns = list(dict.fromkeys(self.history["column"]))
        keys = [key for key in ("column", "model", "network") if key in self.history]
        for (column, *_), lines in self.history.groupby(keys, sort=False):
            self._draw(ax, lines, columns.index(column))
        handles, labels = ax.get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        several = len(columns) > 1
        names = {
            f"{place} {kind}": f"{column}: {text}" if several else text
            for place, column in enumerate(columns)
            for kind, text in (("loss", "training rows"), ("val_loss", "validation rows"))
        }
        shown = [name for name in names if name in named]
        ax.legend([named[name] for name in shown], [names[name] for name in shown], frameon=False)
        models = self.history[keys].drop_duplicates()
        n_models = models["column"].value_counts().max()
        title = "Loss of the network" if n_models == 1 else f"Losses of {n_models} models"
        ax.set(xlabel="epoch", ylabel="loss", title=title)
        ax.xaxis.get_major_locator().set_params(integer=True)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax, lines, place: int) -> None:
        """Draw one model; labels contain column and kind, for a legend without repetitions."""
        marker = "o" if len(lines) < 10 else None
        for kind, style in (("loss", "-"), ("val_loss", "--")):
            if kind in lines and lines[kind].notna().any():
                ax.plot(
                    lines["epoch"] + 1,
                    lines[kind],
                    style,
                    color=_COLOURS[place % len(_COLOURS)],
                    linewidth=1.2,
                    marker=marker,
                    markersize=3,
                    alpha=0.8,
                    label=f"{place} {kind}",
                )
