"""Fits networks of text columns: finds the vocabulary, then fits a network per fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from textcnn.crossfit import FoldPlan
from textcnn.fit import parameters
from textcnn.fit.models import FoldModel, Prepared, Task
from textcnn.fit.network_jobs import TrainingSettings, fit_networks
from textcnn.neural.randomness import integer_seed, seed_sequence
from textcnn.text import settings as text_settings
from textcnn.text.columns import TextColumn, read_columns
from textcnn.text.fitted import TextNetwork, join_networks
from textcnn.text.joining import JoinedColumns, JoinedTokenizer
from textcnn.text.kinds import check_kinds
from textcnn.text.network import TextNetworkSettings
from textcnn.text.reader import (
    ColumnReader,
    ReaderSettings,
    embedding_sources,
    is_corpus,
    warn_of_cuts,
)

UNSUPERVISED = ("auto", "fold", "all_rows")
SHARED_WORDS = "corpus vectors were trained on the texts of all rows, including held-out rows"


@dataclass(frozen=True)
class TextLearner:
    """Reads words or characters and fits a network per fold."""

    reading: ReaderSettings
    network: TextNetworkSettings
    training: TrainingSettings
    n_networks: int = 1
    loss: str = "auto"
    unsupervised: str = "all_rows"

    fits_columns_together = True

    @classmethod
    def of(cls, estimator) -> TextLearner:
        """Check every parameter of words, network and training; return them grouped."""
        parameters.yes_or_no(estimator, "join_columns")
        if hasattr(estimator, "unsupervised"):
            parameters.one_of(estimator, "unsupervised", UNSUPERVISED)
        reading = text_settings.reader_settings(estimator)
        network = text_settings.network_settings(estimator)
        training = parameters.training_settings(estimator, auto_smoothing=True)
        share = text_settings.share_of_updates(estimator)
        return cls(
            reading,
            network,
            replace(training, share=share),
            text_settings.n_networks(estimator),
            getattr(estimator, "loss", "auto"),
            getattr(estimator, "unsupervised", "all_rows"),
        )

    @property
    def stop_fraction(self) -> float:
        """Share of a model's training rows that are validation rows."""
        return self.training.stop_fraction

    def check(self, task: Task) -> None:
        """Refuse class weights and label smoothing that do not match the target."""
        parameters.check_target(self.training, task)

    def reads_per_fold(self, plan: FoldPlan) -> bool:
        """Return whether word vectors are trained on the training rows of each fold."""
        return self._learns_vectors and not self._shares_words(plan)

    def notes(self, plan: FoldPlan) -> tuple[str, ...]:
        """Return the note on word vectors that were trained on all rows."""
        shared = self._learns_vectors and self._shares_words(plan)
        return (SHARED_WORDS,) if shared else ()

    def prepare(
        self,
        column: TextColumn | JoinedColumns,
        number: int,
        task: Task,
        rows: np.ndarray | None = None,
    ) -> Prepared:
        """Find the vocabulary of a column in some or all rows; seeds depend on its number."""
        reading = self.reading
        if isinstance(column, JoinedColumns):
            tokenizer = JoinedTokenizer(reading.tokenizer, reading.max_length)
            reading = replace(reading, tokenizer=tokenizer, max_length=None)
        try:
            if rows is None:
                key = ("tokens", reading.tokenizer, reading.max_length)
                tokenized = column.once(key, lambda: reading.tokenize(column.cells))
                everything, others = tokenized, []
            else:
                tokenized = reading.tokenize([column.cells[row] for row in rows])
                # With vectors made of pieces, new words have vectors; so must held-out words.
                everything = reading.tokenize(column.cells)
                others = everything.forms
            if not reading.cuts_on_purpose:
                warn_of_cuts(everything, self.reading.max_length, column.label(number))
            reader, documents = ColumnReader.fit(
                tokenized,
                reading,
                vector_seed=seed_sequence(task.entropy, "vectors", number),
                corpus_seed=integer_seed(seed_sequence(task.entropy, "corpus", number)),
                others=others,
                label=column.label(number),
            )
            if rows is not None:
                documents = reader.read(column.cells)
        except Exception as error:
            error.add_note(f"while reading the words of column {column.label(number)!r}")
            raise
        network = TextNetwork(
            names=[column.label(number)],
            readers=[reader],
            settings=self.network,
            min_count=reading.min_count,
            n_outputs=task.target.n_outputs,
            loss=task.target.loss,
            models=[],
        )
        return _prepared(network, [documents])

    def prepare_together(self, columns: Sequence, task: Task) -> Prepared:
        """Find the vocabularies of columns that one network reads, with a branch for each."""
        parts = [self.prepare(column, number, task) for number, column in enumerate(columns)]
        documents = [part.data[1].columns[0] for part in parts]
        return _prepared(join_networks([part.models for part in parts]), documents)

    def fit(self, groups, task: Task) -> list[list[tuple[FoldModel, np.ndarray]]]:
        """Fit a network per job."""
        return fit_networks(groups, self.training, task)

    @cached_property
    def _learns_vectors(self) -> bool:
        return any(map(is_corpus, embedding_sources(self.reading.embeddings)))

    def _shares_words(self, plan: FoldPlan) -> bool:
        """Return whether vectors are trained on the words of all rows."""
        independent = plan.groups is None and not plan.ordered
        return self.unsupervised == "all_rows" or (self.unsupervised == "auto" and independent)


def _prepared(network: TextNetwork, documents) -> Prepared:
    data = (network.blueprint, network.source(documents))
    return Prepared(network, data, network.readers[0].report)


def read_text_columns(estimator, X, *, reset: bool) -> list[TextColumn | JoinedColumns]:
    """Return the text columns of X, or one that joins them if the estimator joins columns."""
    columns = read_columns(estimator, X, reset=reset)
    check_kinds(columns, X, reset=reset)
    if len(columns) == 1:
        return columns
    if reset:
        joins = estimator.join_columns
    else:  # as in fit, even if parameters were changed since
        joins = (
            sum(len(getattr(models, "readers", "1")) for models, *_ in estimator._model_sets) == 1
        )
    return [JoinedColumns(columns)] if joins else columns
