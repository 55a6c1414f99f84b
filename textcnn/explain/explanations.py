"""Contributions of words to predictions: as data, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from textcnn.explain import display


@dataclass(frozen=True)
class ExplainedText:
    """One text and the contributions of its n-grams and words.

    Attributes
    ----------
    column : str
    text : str
        The shown text; spans count its characters.
    ngrams : list of str
        Words separated by spaces, or characters.
    kinds : list of {"words", "characters"}
    spans : ndarray of int, shape (n_ngrams, 2)
        Start and stop character of each n-gram.
    contributions : ndarray of float64, shape (n_ngrams, n_outputs)
    words : list of str
    word_spans : ndarray of int, shape (n_words, 2)
    word_contributions : ndarray of float64, shape (n_words, n_outputs)
        The same contributions, divided among the words.
    """

    column: str
    text: str
    ngrams: list[str]
    kinds: list[str]
    spans: np.ndarray
    contributions: np.ndarray
    words: list[str]
    word_spans: np.ndarray
    word_contributions: np.ndarray


@dataclass(frozen=True)
class ExplainedRow:
    """The explanation of one row by one set of models.

    Attributes
    ----------
    row : int
    outputs : tuple of str
        Names of the outputs.
    base : ndarray of float64, shape (n_outputs,)
        The output for an empty text.
    value : ndarray of float64, shape (n_outputs,)
        The output of this row.
    texts : list of ExplainedText
        One per column.
    predictions : ndarray of float64, shape (n_outputs,), or None
        What the estimator returns for each output: the probability of its class or label, the
        predicted number, or the feature.
    label : object
        The predicted class or labels of a classifier, else None.
    """

    row: int
    outputs: tuple[str, ...]
    base: np.ndarray
    value: np.ndarray
    texts: list[ExplainedText]
    predictions: np.ndarray | None = None
    label: object = None

    @property
    def explained(self) -> np.ndarray:
        """The sum of all contributions, shape (n_outputs,)."""
        return np.sum([text.contributions.sum(axis=0) for text in self.texts], axis=0)


class TextExplanation:
    """Contributions of n-grams and words to the predictions of some texts.

    Made by ``explain`` of a fitted text estimator. Outputs are on an additive scale (``units``):
    log-odds, units of y, or standard deviations of y (features). ``base`` is the output for an
    empty text; ``base`` plus a row's contributions is its output. In a notebook, words are coloured
    by their contribution; printed, the strongest n-grams are listed.

    Parameters
    ----------
    rows : list of ExplainedRow
    units : str
        Units of the outputs.
    method : {"exact", "slopes"}
        ``"exact"``: contributions that add up to the output. ``"slopes"``: integrated gradients
        from zero vectors, per word, which add up approximately.
    index : pandas.Index, optional
        Labels of the rows of X, which stand for them in frames and text; None for their numbers.
    predicts : {"probability", "prediction", "feature"}, optional
        What the ``predictions`` of the rows are.

    Examples
    --------
    >>> from textcnn import TextCNNClassifier
    >>> texts = ["good film", "bad film", "very good", "so bad", "good plot", "bad plot"] * 5
    >>> classifier = TextCNNClassifier(n_filters=4, epochs=40, random_state=0)
    >>> explanation = classifier.fit(texts, ["yes", "no"] * 15).explain(["a good plot"])
    >>> explanation.units, explanation.method
    ('log-odds', 'exact')
    >>> words = explanation.words_to_frame().set_index("word")["contribution"]
    >>> words.idxmax()
    'good'
    """

    def __init__(
        self,
        rows: list[ExplainedRow],
        *,
        units: str,
        method: str,
        index: pd.Index | None = None,
        predicts: str = "",
    ):
        self.rows = rows
        self.units = units
        self.method = method
        self.index = index
        self.predicts = predicts

    def __len__(self) -> int:
        """Return the number of explanations: one per row and set of models."""
        return len(self.rows)

    def name_of(self, row: ExplainedRow):
        """Return the label of a row in the index of X, or its number."""
        return row.row if self.index is None else self.index[row.row]

    def to_frame(self) -> pd.DataFrame:
        """Return one line per n-gram and output.

        ``row`` (its label in the index of X, or its number), ``column``, ``output``, ``ngram``,
        ``kind`` (of words or of characters), ``contribution``, and ``start`` and ``stop``: its
        character positions in the shown text (``rows[i].texts[j].text``). An n-gram that occurs
        several times has a line for each. Within a row the strongest come first.
        """
        return self._lines("ngrams", "spans", "contributions", "ngram")

    def words_to_frame(self) -> pd.DataFrame:
        """Return one line per word and output, in text order; the sums are the same."""
        return self._lines("words", "word_spans", "word_contributions", "word")

    def outputs_to_frame(self) -> pd.DataFrame:
        """Return one line per row and output.

        ``value`` is the output, ``base`` that of a row without words, ``explained`` the sum of the
        contributions, ``unexplained`` the rest. ``prediction`` is the probability, number or
        feature that the estimator returns, ``label`` the predicted class of a classifier.
        """
        lines = []
        for row in self.rows:
            for number, output in enumerate(row.outputs):
                base, value = row.base[number], row.value[number]
                explained = row.explained[number]
                prediction = np.nan if row.predictions is None else row.predictions[number]
                rest = value - base - explained
                lines.append(
                    (self.name_of(row), output, value, base, explained, rest, prediction, row.label)
                )
        names = ["row", "output", "value", "base", "explained", "unexplained"]
        names += ["prediction", "label"]
        return pd.DataFrame(lines, columns=names)

    def to_text(self, *, n_rows: int = 10, n_ngrams: int = 5, output: str | None = None) -> str:
        """Return the strongest n-grams of the first rows as lines of text.

        Of overlapping n-grams only the strongest is shown; the line "other n-grams" is the sum of
        all others, so that the lines add up. :meth:`to_frame` has all.

        Parameters
        ----------
        n_rows, n_ngrams : int
            Numbers of shown rows and n-grams.
        output : str, optional
            Name of the shown output; the largest output of each row if None.
        """
        return display.as_text(self, n_rows, n_ngrams, output)

    def to_html(self, *, n_rows: int = 20, n_ngrams: int = 5, output: str | None = None) -> str:
        """Return the first rows as HTML with words coloured by their contribution.

        Texts are escaped. Blue words raise the output, orange underlined ones lower it; colours are
        relative to the strongest word shown.

        Parameters
        ----------
        n_rows, n_ngrams, output
            As for :meth:`to_text`.
        """
        return display.as_html(self, n_rows, n_ngrams, output)

    def __repr__(self) -> str:
        """Return the first rows as text."""
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_html()

    def _lines(self, parts: str, spans: str, contributions: str, label: str) -> pd.DataFrame:
        """Return one line per part of a text and output."""
        frames = []
        for row in self.rows:
            for text in row.texts:
                values, places = getattr(text, contributions), getattr(text, spans)
                order = np.arange(len(values))
                for number, output in enumerate(row.outputs):
                    if parts == "ngrams":
                        order = np.argsort(-np.abs(values[:, number]), kind="stable")
                    columns = {
                        "row": self.name_of(row),
                        "column": text.column,
                        "output": output,
                        label: np.array(getattr(text, parts), object)[order],
                    }
                    if parts == "ngrams":
                        columns["kind"] = np.array(text.kinds, object)[order]
                    columns |= {
                        "contribution": values[order, number],
                        "start": places[order, 0],
                        "stop": places[order, 1],
                    }
                    frames.append(pd.DataFrame(columns))
        return pd.concat(frames, ignore_index=True)
