"""Read a text column: tokens, word vectors, vocabulary, and the network's blueprint."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from textcnn.neural.engine.layout import Design
from textcnn.neural.max_convolution import is_long
from textcnn.neural.network import Blueprint
from textcnn.text.documents import Documents
from textcnn.text.given_table import warn_of_few_matches
from textcnn.text.network import (
    ColumnTables,
    TextNetworkSettings,
    build_text_network,
    rounded_rows,
    shared_layers,
)
from textcnn.text.new_words import PieceChannel
from textcnn.text.piece_vectors import PieceVectors
from textcnn.text.tokens import TokenizedColumn, tokenize_column
from textcnn.text.vectors import WordVectors, load_vectors, train_corpus_vectors
from textcnn.text.vocabulary import Vocabulary

LEARNED_DIM_BESIDE_GIVEN = 32
LEARNED_DIM_ALONE = 100
# Share of the texts of a column that may be cut without a warning.
MANY_CUTS = 0.1


@dataclass(frozen=True)
class ReaderSettings:
    """Settings for token ids and vectors, as given by the user."""

    embeddings: Any = None
    corpus_options: dict | None = None
    tokenizer: str | Callable = "word"
    max_length: int | None = 400
    min_count: int = 2
    keep_vectors: str | int = 20_000
    learned_dim: str | int = "auto"
    cuts_on_purpose: bool = False  # whether the user has chosen max_length

    def tokenize(self, cells: list) -> TokenizedColumn:
        """Return the tokens of some cells."""
        return tokenize_column(cells, self.tokenizer, max_length=self.max_length)


@dataclass
class ColumnReader:
    """A column's fitted tokenizer and vocabulary, which convert cells to documents."""

    tokenizer: str | Callable
    max_length: int | None
    vocabulary: Vocabulary
    learned_dim: int
    report: dict = field(default_factory=dict)
    is_long: bool = False  # whether the cells at fit were long texts

    @classmethod
    def fit(
        cls,
        tokenized: TokenizedColumn,
        settings: ReaderSettings,
        *,
        vector_seed,
        corpus_seed: int,
        others: Sequence[str] = (),
        label: str = "",
    ):
        """Learn the words of a column; return the reader and the column's documents.

        Vectors that are made of pieces are also kept for the words ``others``, which may be
        those of held-out rows. ``label`` is the column's name in warnings.
        """
        counts = np.bincount(tokenized.ids, minlength=len(tokenized.forms))
        n_first = 0 if settings.keep_vectors == "seen" else int(settings.keep_vectors)
        vectors, pieces, also, start = [], [], [], 0
        for source in embedding_sources(settings.embeddings):
            if is_corpus(source):
                channel = train_corpus_vectors(
                    _Sentences(tokenized), seed=corpus_seed, options=settings.corpus_options
                )
            else:
                channel = load_vectors(source)
                if isinstance(channel, PieceVectors):
                    pieces.append(PieceChannel.of(channel, start))
                    first = channel.first_words(n_first)
                    channel = WordVectors.from_pieces(channel, [*first, *tokenized.forms, *others])
                    spelled = (word for form in others for word in (form.lower(), form))
                    also += [*first, *(word for word in spelled if word in channel)]
                warn_of_few_matches(channel, tokenized.forms, counts, label)
            start += channel.dim
            vectors.append(channel)
        vocabulary = Vocabulary.build(
            tokenized.forms,
            counts,
            vectors=vectors,
            min_count=settings.min_count,
            keep_vectors=settings.keep_vectors,
            seed=vector_seed,
            also=also,
            pieces=pieces,
        )
        learned_dim = settings.learned_dim
        if learned_dim == "auto":
            learned_dim = LEARNED_DIM_BESIDE_GIVEN if vectors else LEARNED_DIM_ALONE
        reader = cls(
            settings.tokenizer,
            settings.max_length,
            vocabulary,
            int(learned_dim),
            vocabulary.report
            | {
                "vectors_not_utf8": sum(part.n_not_utf8 for part in vectors),
                "texts": len(tokenized.offsets) - 1,
                "texts_cut": tokenized.n_cut,
            },
            is_long(np.diff(tokenized.offsets)),
        )
        return reader, Documents.resolve(tokenized, vocabulary)

    def read(self, cells: list[str]) -> Documents:
        """Return the documents of new cells; new words have their pretrained vectors."""
        tokenized = tokenize_column(cells, self.tokenizer, max_length=self.max_length)
        return Documents.resolve(tokenized, self.vocabulary)

    @property
    def tables(self) -> ColumnTables:
        """Sizes of the network's vector tables for this column."""
        dim = self.vocabulary.dim
        return ColumnTables(
            given_rows=rounded_rows(len(self.vocabulary.given)) if dim else 0,
            given_dim=dim,
            learned_rows=rounded_rows(self.vocabulary.n_learned) if self.learned_dim else 0,
            learned_dim=self.learned_dim,
            is_long=self.is_long,
        )


class _Sentences:
    """The documents as lists of words, repeatedly iterable for gensim."""

    def __init__(self, tokenized: TokenizedColumn):
        self._tokenized = tokenized

    def __iter__(self):
        """Yield one list of words per document."""
        forms, ids = self._tokenized.forms, self._tokenized.ids
        offsets = self._tokenized.offsets
        for start, end in zip(offsets[:-1], offsets[1:], strict=True):
            yield [forms[form] for form in ids[start:end]]


def warn_of_cuts(tokenized: TokenizedColumn, max_length: int | None, label: str) -> None:
    """Warn where many texts of a column have words that no model reads.

    Parameters
    ----------
    tokenized : TokenizedColumn
        All texts of the column.
    max_length : int or None
    label : str
        The column's name.
    """
    n_texts = int(np.count_nonzero(np.diff(tokenized.offsets)))
    if tokenized.n_cut <= MANY_CUTS * n_texts:
        return
    warnings.warn(
        f"{tokenized.n_cut} of {n_texts} texts of column {label!r} have more than {max_length} "
        f"tokens, and the rest of them is ignored. Expected: max_length= as long as most texts. "
        f"Type max_length=None for whole texts, which takes more time, or max_length={max_length} "
        "to cut them without this warning.",
        UserWarning,
        stacklevel=2,
    )


def embedding_sources(embeddings) -> list:
    """Return ``embeddings=`` as a list of sources, which may be empty."""
    if embeddings is None:
        return []
    return list(embeddings) if isinstance(embeddings, (list, tuple)) else [embeddings]


def is_corpus(source) -> bool:
    """Return whether a source of vectors is the column itself."""
    return isinstance(source, str) and source == "corpus"


def blueprint(
    readers: list[ColumnReader], settings: TextNetworkSettings, *, n_outputs: int, loss: str
) -> Blueprint:
    """Return the blueprint of the network for these columns and this type of target."""
    columns = tuple(reader.tables for reader in readers)
    key = None if callable(settings.network) else (settings, columns, n_outputs, loss)
    shared = () if settings.trainable_embeddings else shared_layers(columns)
    return Blueprint(
        build=partial(build_text_network, settings, columns, n_outputs),
        loss=loss,
        key=key,
        shared_layers=shared,
        design=Design(settings, columns, n_outputs),
        engine=settings.engine,
    )
