"""Documents as a flat array of word-form numbers per column, and batches for text networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from textcnn.neural.backend import ShapePolicy
from textcnn.text.network import rounded_rows
from textcnn.text.tokens import TokenizedColumn
from textcnn.text.vocabulary import UNKNOWN, Vocabulary

# Words of more occurrences are hardly the words of one document.
_RARE = 20


@dataclass(frozen=True)
class Documents:
    """One text column: word forms per document, and the vector ids of each form."""

    forms: np.ndarray  # int32 (n_tokens + 1,), the last entry is padding
    offsets: np.ndarray  # int64 (n_rows + 1,)
    given_rows: np.ndarray  # int32 (n_forms + 1,), rows of pretrained vectors; padding is 0
    learned_ids: np.ndarray  # int32 (n_forms + 1,), rows of trainable vectors; padding is 0
    new_vectors: np.ndarray  # float32 (n_new, dim), rows after those of the vocabulary

    @classmethod
    def resolve(cls, tokenized: TokenizedColumn, vocabulary: Vocabulary) -> Documents:
        """Look up each distinct form once, for training documents and for new ones."""
        given, learned = vocabulary.resolve(tokenized.forms)
        given, new_vectors = vocabulary.compose(tokenized.forms, given)
        padding = np.zeros(1, np.int32)
        return cls(
            forms=np.append(tokenized.ids, np.int32(len(tokenized.forms))),
            offsets=tokenized.offsets,
            given_rows=np.concatenate([given, padding]),
            learned_ids=np.concatenate([learned, padding]),
            new_vectors=new_vectors,
        )

    def without_new_vectors(self) -> Documents:
        """Return the documents with new words as unknown words, for tables that cannot grow."""
        n_new = len(self.new_vectors)
        if not n_new:
            return self
        first = self.given_rows.max() - n_new + 1
        rows = np.where(self.given_rows >= first, np.int32(UNKNOWN), self.given_rows)
        return replace(self, given_rows=rows, new_vectors=self.new_vectors[:0])

    def with_rarer_words(
        self, rows: np.ndarray, learnt: np.ndarray, vocabulary: Vocabulary, random
    ) -> Documents:
        """Return some documents, each rare word replaced with a random one that is rarer by one.

        Parameters
        ----------
        rows : ndarray of int
        learnt : ndarray of int32, shape (n_tokens,)
            The forms of the training documents, in their order.
        vocabulary : Vocabulary
        random : numpy.random.Generator
        """
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        forms = self.forms[places]
        counts = self._counts_of_words(learnt)
        # In the order of the training documents: numbers of forms depend on all documents.
        first = np.zeros(len(counts), np.int64)
        first[learnt[::-1]] = np.arange(len(learnt))[::-1]
        by_count = np.lexsort((first, counts))
        ordered, wanted = counts[by_count], counts[forms] - 1
        start, stop = (np.searchsorted(ordered, wanted, side) for side in ("left", "right"))
        is_rare = (wanted > 0) & (wanted < _RARE) & (stop > start)
        picked = start + (random.random(len(forms)) * (stop - start)).astype(np.int64)
        forms[is_rare] = by_count[picked[is_rare]]
        # A word that occurs once is unknown to a model of the other documents.
        unknown, padding = len(counts), len(counts) + 1
        has_no_vector = vocabulary.given_is_random.copy()
        has_no_vector[UNKNOWN] = True
        last_row = len(has_no_vector) - 1  # rows after it are vectors made for new words
        given_rows = self.given_rows[forms]
        is_new = has_no_vector[np.minimum(given_rows, last_row)] & (given_rows <= last_row)
        forms[(wanted == 0) & is_new] = unknown
        ends = np.array([UNKNOWN, 0], np.int32)
        return Documents(
            forms=np.append(forms, np.int32(padding)),
            offsets=offsets,
            given_rows=np.concatenate([self.given_rows[:-1], ends]),
            learned_ids=np.concatenate([self.learned_ids[:-1], ends]),
            new_vectors=self.new_vectors,
        )

    def _counts_of_words(self, learnt: np.ndarray) -> np.ndarray:
        """Return how often the word of each form occurs, 0 for forms of other documents.

        Forms that differ in case are one word of a model; unknown ones are words of their own.
        """
        n_forms = len(self.learned_ids) - 1
        ids = self.learned_ids[:-1].astype(np.int64)
        words = np.where(ids > UNKNOWN, ids, ids.max(initial=UNKNOWN) + 1 + np.arange(n_forms))
        counts = np.bincount(learnt, minlength=n_forms)
        of_words = np.bincount(words, counts).astype(np.int64)
        return np.where(counts > 0, of_words[words], 0)

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens per document."""
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, policy: ShapePolicy) -> np.ndarray:
        """Return the forms of some rows, int32 (n_rows, length), padded with the last form."""
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        steps = np.arange(policy.length(int(lengths.max(initial=0))))
        places = np.where(steps < lengths[:, None], starts[:, None] + steps, len(self.forms) - 1)
        return self.forms[places]


class TextSource:
    """The text columns of a table as a :class:`~textcnn.neural.batches.RowSource`.

    Parameters
    ----------
    columns : list of Documents
    vocabularies : list of Vocabulary
        One per column.
    min_count : int
        A word has its own trainable vector only if it occurs this often in a model's training rows.
        Any other word is treated like a new word: it has its pretrained vector, if there is one,
        and the trainable vector of the unknown word.
    trainable : bool
        Whether pretrained vectors are trained too.
    learns_vectors : bool
        Whether models have a trainable vector per word.
    """

    prediction_batch_size = 256

    def __init__(
        self, columns, vocabularies, *, min_count: int, trainable: bool, learns_vectors: bool
    ):
        self.columns = columns
        self.vocabularies = vocabularies
        self._min_count = min_count
        self._trainable = trainable
        self._learns_vectors = learns_vectors
        self._lengths = [documents.lengths for documents in columns]
        self.lengths = np.sum(self._lengths, axis=0)
        self._maps: tuple | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lengths)

    def view(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return, per column, which words occur at least ``min_count`` times in the rows."""
        known = {}
        is_read = np.zeros(len(self.lengths), bool)
        is_read[rows] = True
        for i, (documents, lengths, vocabulary) in enumerate(
            zip(self.columns, self._lengths, self.vocabularies, strict=True)
        ):
            read = np.repeat(is_read, lengths)
            words = documents.learned_ids[documents.forms[:-1][read]]
            counts = np.bincount(words, minlength=vocabulary.n_learned)
            known[f"known_{i}"] = counts >= self._min_count
            known[f"known_{i}"][:2] = True
        return known

    def gather(self, rows, view, policy) -> tuple[np.ndarray, ...]:
        """Return, per column, int32 ids (n_rows, length) of pretrained and trainable vectors."""
        inputs = []
        for documents, (given, learned) in zip(self.columns, self.maps(view), strict=True):
            forms = documents.padded(rows, policy)
            if given is not None:
                inputs.append(given[forms])
            if self._learns_vectors:
                inputs.append(learned[forms])
        return tuple(inputs)

    def tables(self) -> dict[str, np.ndarray]:
        """Return the pretrained vectors by layer name."""
        prefix = "given" if self._trainable else "shared_given"
        return {
            f"{prefix}_{i}": vocabulary.given
            for i, vocabulary in enumerate(self.vocabularies)
            if vocabulary.dim
        }

    def like_new(
        self, rows: np.ndarray, learn: np.ndarray, random: np.random.Generator
    ) -> TextSource:
        """Return rows as if a model trained on ``learn`` had not been trained on them.

        A word that occurs n times in the training rows would occur n - 1 times in the others. So
        each rare word is replaced with a random word that occurs n - 1 times, as in the estimate of
        Good and Turing of the words of new texts, and a word that occurs once with the unknown one.
        """
        columns = []
        for documents, lengths, vocabulary in zip(
            self.columns, self._lengths, self.vocabularies, strict=True
        ):
            is_learnt = np.zeros(len(lengths), bool)
            is_learnt[learn] = True
            learnt = documents.forms[:-1][np.repeat(is_learnt, lengths)]
            columns.append(documents.with_rarer_words(rows, learnt, vocabulary, random))
        return TextSource(
            columns,
            self.vocabularies,
            min_count=self._min_count,
            trainable=self._trainable,
            learns_vectors=self._learns_vectors,
        )

    def maps(self, view) -> list[tuple[np.ndarray | None, np.ndarray]]:
        """Return per column each form's ids for a model; cached for the last view."""
        kept = self._maps  # another thread may replace it
        if kept is None or kept[0] is not view:
            maps = [
                _maps(documents, vocabulary, view[f"known_{i}"])
                for i, (documents, vocabulary) in enumerate(
                    zip(self.columns, self.vocabularies, strict=True)
                )
            ]
            kept = self._maps = (view, maps)
        return kept[1]

    def __getstate__(self):
        """Drop the cache when the source is sent to a worker."""
        return self.__dict__ | {"_maps": None}


def with_new_words(network, documents: Sequence[Documents]):
    """Return a fitted or served network whose tables also have the vectors of new words.

    Parameters
    ----------
    network : TextNetwork or ServedNetwork
    documents : sequence of Documents
        One per column.

    Returns
    -------
    TextNetwork or ServedNetwork
        The same object where no word has a vector made for it.
    """
    if not any(len(part.new_vectors) for part in documents):
        return network
    readers = [
        replace(reader, vocabulary=reader.vocabulary.grown(part.new_vectors))
        for reader, part in zip(network.readers, documents, strict=True)
    ]
    models = network.models
    if network.settings.trainable_embeddings:
        tables = {
            f"given_{i}/embeddings": (len(reader.vocabulary.given), part.new_vectors)
            for i, (reader, part) in enumerate(zip(network.readers, documents, strict=True))
        }
        models = [replace(fold, model=_with_grown_tables(fold.model, tables)) for fold in models]
    return replace(network, readers=readers, models=models)


def _with_grown_tables(model, tables: dict[str, tuple[int, np.ndarray]]):
    """Return a model with more rows in its own tables of given vectors."""
    weights = list(model.weights)
    for place, name in enumerate(model.names):
        if name in tables:
            n_rows, new = tables[name]
            table = np.zeros((rounded_rows(n_rows + len(new)), new.shape[1]), np.float32)
            table[:n_rows] = weights[place][:n_rows]
            table[n_rows : n_rows + len(new)] = new
            weights[place] = table
    return replace(model, weights=weights)


def _maps(documents: Documents, vocabulary: Vocabulary, known: np.ndarray):
    """Return ids of pretrained (or None) and trainable vectors per form, for one model."""
    form_known = known[documents.learned_ids]
    form_known &= documents.learned_ids != UNKNOWN
    learned = np.where(form_known, documents.learned_ids, UNKNOWN).astype(np.int32)
    learned[-1] = 0
    if not vocabulary.dim:
        return None, learned
    is_random = vocabulary.given_is_random[documents.given_rows]
    given = np.where(is_random & ~form_known, UNKNOWN, documents.given_rows).astype(np.int32)
    given[-1] = 0
    return given, learned
