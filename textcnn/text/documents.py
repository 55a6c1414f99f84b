"""Documents as one flat array of form numbers per column; the rows that a text network reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textcnn.neural.backend import ShapePolicy
from textcnn.text.tokens import TokenizedColumn
from textcnn.text.vocabulary import Vocabulary

UNKNOWN = 1


@dataclass(frozen=True)
class Documents:
    """One text column: written forms per document, and what each form resolves to."""

    forms: np.ndarray  # int32 (n_tokens + 1,), the last entry stands for padding
    offsets: np.ndarray  # int64 (n_rows + 1,)
    given_rows: np.ndarray  # int32 (n_forms + 1,), rows of the given table; padding is 0
    learned_ids: np.ndarray  # int32 (n_forms + 1,), rows of the learnt table; padding is 0

    @classmethod
    def resolve(cls, tokenized: TokenizedColumn, vocabulary: Vocabulary) -> Documents:
        """Look each distinct form up once; training and new documents take this same way."""
        given, learned = vocabulary.resolve(tokenized.forms)
        padding = np.zeros(1, np.int32)
        return cls(
            forms=np.append(tokenized.ids, np.int32(len(tokenized.forms))),
            offsets=tokenized.offsets,
            given_rows=np.concatenate([given, padding]),
            learned_ids=np.concatenate([learned, padding]),
        )

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens per document."""
        return np.diff(self.offsets)

    def padded(self, rows: np.ndarray, policy: ShapePolicy) -> np.ndarray:
        """Return the forms of some rows, int32 (n_rows, length), the last form where padded."""
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
        A word takes part with a vector of its own only if it occurs this often in the rows that a
        model learns from. Any other word looks to that model as a new word does later: its given
        vector if there is one, and the unknown word's learnt vector.
    trainable : bool
        Whether models adjust the given vectors.
    learns_vectors : bool
        Whether models have a learnt vector per word.
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
        self.lengths = np.sum([documents.lengths for documents in columns], axis=0)
        self._maps: tuple | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lengths)

    def view(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return, per column, which learnt ids the rows hold at least ``min_count`` times."""
        known = {}
        for i, (documents, vocabulary) in enumerate(
            zip(self.columns, self.vocabularies, strict=True)
        ):
            is_read = np.zeros(len(self), bool)
            is_read[rows] = True
            read = np.repeat(is_read, documents.lengths)
            words = documents.learned_ids[documents.forms[:-1][read]]
            counts = np.bincount(words, minlength=vocabulary.n_learned)
            known[f"known_{i}"] = counts >= self._min_count
            known[f"known_{i}"][:2] = True
        return known

    def gather(self, rows, view, policy) -> tuple[np.ndarray, ...]:
        """Return, per column, int32 ids of shape (n_rows, length): given rows, learnt ids."""
        inputs = []
        for documents, (given, learned) in zip(self.columns, self.maps(view), strict=True):
            forms = documents.padded(rows, policy)
            if given is not None:
                inputs.append(given[forms])
            if self._learns_vectors:
                inputs.append(learned[forms])
        return tuple(inputs)

    def tables(self) -> dict[str, np.ndarray]:
        """Return the given vectors by layer name."""
        prefix = "given" if self._trainable else "shared_given"
        return {
            f"{prefix}_{i}": vocabulary.given
            for i, vocabulary in enumerate(self.vocabularies)
            if vocabulary.dim
        }

    def maps(self, view) -> list[tuple[np.ndarray | None, np.ndarray]]:
        """Return per column each form's given row and learnt id to a model; kept for one view."""
        kept = self._maps  # another thread may put its own in the place meanwhile
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
        """Leave the kept maps behind when the source travels to a worker."""
        return self.__dict__ | {"_maps": None}


def _maps(documents: Documents, vocabulary: Vocabulary, known: np.ndarray):
    """Return (given rows, learnt ids) per form for one model; None where no vectors are given."""
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
