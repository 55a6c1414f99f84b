"""Parameters of words and text networks: checked before any training, then grouped."""

from __future__ import annotations

from dataclasses import dataclass

from textcnn.fit.defaults import refuse_ignored
from textcnn.fit.network_jobs import UpdateShare
from textcnn.fit.parameters import (
    check_activation,
    is_auto,
    number,
    one_of,
    refuse_built_network,
    whole_number,
    whole_numbers,
    yes_or_no,
)
from textcnn.neural.engine.choice import ENGINES
from textcnn.text.network import (
    POOLINGS,
    RECURRENT,
    SHARE_OF_WORDS,
    SHARES_OF_UPDATES,
    TextNetworkSettings,
    feature_name,
)
from textcnn.text.reader import ReaderSettings, embedding_sources, is_corpus


@dataclass(frozen=True)
class LevelDefaults:
    """Values of "auto" for texts that are read as words or as characters."""

    max_length: int
    kernel_sizes: tuple[int, ...]
    learned_dim: str | int  # "auto": depends on whether there are pretrained vectors


# Measured with benchmarks/defaults.py (words) and benchmarks/members.py (characters).
LEVELS = {
    "word": LevelDefaults(max_length=400, kernel_sizes=(1, 2, 3), learned_dim="auto"),
    "char": LevelDefaults(max_length=1000, kernel_sizes=(3, 5, 7), learned_dim=32),
}
# Filters per kernel size: of convolutions over words without and with pretrained vectors, and of
# other networks.
FILTERS_ALONE = 32
FILTERS_WITH_VECTORS = 64
FILTERS_OF_OTHERS = 100
# Networks per fold: of convolutions over words, and of other networks, which are slower.
NETWORKS = 2
NETWORKS_OF_OTHERS = 1


def reader_settings(estimator) -> ReaderSettings:
    """Check the parameters of words and vectors; return them as settings."""
    defaults = _check_level(estimator)
    yes_or_no(estimator, "trainable_embeddings")
    if estimator.max_length is not None:
        whole_number(estimator, "max_length", 1, or_string="auto")
    whole_number(estimator, "min_count", 1)
    whole_number(estimator, "learned_dim", 0, or_string="auto")
    if estimator.learned_dim == 0 and not embedding_sources(estimator.embeddings):
        raise ValueError(
            "With learned_dim=0 and without embeddings words have no vectors. "
            'Expected: embeddings=, or learned_dim="auto" or at least 1. '
            "Received: learned_dim=0, embeddings=None."
        )
    whole_number(estimator, "keep_vectors", 0, or_string="seen")
    _refuse_what_no_vectors_read(estimator)
    if estimator.corpus_options is not None and not isinstance(estimator.corpus_options, dict):
        raise ValueError(
            "corpus_options must be a dict of gensim settings or None. "
            f"Received: corpus_options={estimator.corpus_options!r}."
        )
    return ReaderSettings(
        embeddings=estimator.embeddings,
        corpus_options=estimator.corpus_options,
        tokenizer=estimator.tokenizer if estimator.level == "word" else "char",
        max_length=defaults.max_length if estimator.max_length == "auto" else estimator.max_length,
        min_count=int(estimator.min_count),
        keep_vectors=estimator.keep_vectors,
        learned_dim=defaults.learned_dim
        if estimator.learned_dim == "auto"
        else estimator.learned_dim,
        cuts_on_purpose=estimator.max_length != "auto",
    )


def _refuse_what_no_vectors_read(estimator) -> None:
    """Refuse parameters of pretrained vectors if there are none of that type."""
    sources = embedding_sources(estimator.embeddings)
    if not sources:
        refuse_ignored(
            estimator,
            ["trainable_embeddings"],
            why="A network without pretrained vectors (embeddings=None)",
            expected='embeddings= a file of vectors or "corpus", or no such parameter',
        )
    if all(map(is_corpus, sources)):
        refuse_ignored(
            estimator,
            ["keep_vectors"],
            why=f"A network without a file of vectors (embeddings={estimator.embeddings!r})",
            expected="embeddings= a file or table of vectors, or no such parameter",
        )
    if not any(map(is_corpus, sources)):
        refuse_ignored(
            estimator,
            ["corpus_options", "unsupervised"],
            why=f"A network without vectors of the column (embeddings={estimator.embeddings!r})",
            expected='embeddings="corpus", or no such parameter',
        )


def _check_level(estimator) -> LevelDefaults:
    """Check the tokenizer, and parameters of words that are invalid with characters."""
    one_of(estimator, "level", LEVELS)
    tokenizer = estimator.tokenizer
    if isinstance(tokenizer, str) and tokenizer == "char":
        raise ValueError(
            'Instead of tokenizer="char" pass level="char", which also sets kernel sizes and '
            "vectors for characters. With pretrained vectors of characters (embeddings=) pass "
            "tokenizer=list. Received: tokenizer='char'."
        )
    if estimator.level == "char":
        if not (isinstance(tokenizer, str) and tokenizer == "word"):
            raise ValueError(
                'level="char" reads characters and ignores a tokenizer. Expected: no tokenizer=, '
                'or level="word". '
                f"Received: level='char', tokenizer={tokenizer!r}."
            )
        if embedding_sources(estimator.embeddings):
            raise ValueError(
                'level="char" has small trainable vectors of characters and no pretrained ones. '
                'Expected: embeddings=None, or level="word". '
                f"Received: level='char', embeddings={estimator.embeddings!r}."
            )
    return LEVELS[estimator.level]


def n_networks(estimator) -> int:
    """Check the number of networks per fold; return it."""
    whole_number(estimator, "n_networks", 1, or_string="auto")
    if not is_auto(estimator.n_networks):
        return int(estimator.n_networks)
    return NETWORKS if _convolves_words(estimator) else NETWORKS_OF_OTHERS


def share_of_updates(estimator) -> UpdateShare:
    """Return the number of updates relative to ``automatic_updates``."""
    if _convolves_words(estimator):
        return UpdateShare(*SHARE_OF_WORDS)
    return UpdateShare(*SHARES_OF_UPDATES.get(feature_name(estimator.level, estimator.network), ()))


def _n_filters(estimator) -> int:
    if not is_auto(estimator.n_filters):
        return int(estimator.n_filters)
    if not _convolves_words(estimator):
        return FILTERS_OF_OTHERS
    return FILTERS_WITH_VECTORS if embedding_sources(estimator.embeddings) else FILTERS_ALONE


def _convolves_words(estimator) -> bool:
    return estimator.level == "word" and estimator.network is None


def network_settings(estimator) -> TextNetworkSettings:
    """Check the parameters of the network; return them as settings."""
    whole_number(estimator, "n_filters", 1, or_string="auto")
    whole_number(estimator, "n_blocks", 1)
    kernel_sizes = LEVELS[estimator.level].kernel_sizes
    if not is_auto(estimator.kernel_sizes):
        kernel_sizes = whole_numbers(estimator, "kernel_sizes", at_least_one=True, or_string="auto")
    dense_units = whole_numbers(estimator, "dense_units", at_least_one=False)
    one_of(estimator, "pooling", POOLINGS)
    one_of(estimator, "engine", ENGINES)
    number(estimator, "dropout", 0.0, below=1.0)
    number(estimator, "l2", 0.0)
    check_activation(estimator.activation)
    is_name = isinstance(estimator.network, str) and estimator.network == RECURRENT
    refuse_built_network(estimator.network, "dim", "the number of channels per word")
    if not (estimator.network is None or is_name or callable(estimator.network)):
        raise ValueError(
            f'network must be None (convolutions over words), "{RECURRENT}" or a callable that '
            "accepts the number of channels per word and returns a keras.Model. "
            f"Received: network={estimator.network!r}."
        )
    _refuse_what_the_network_does_not_read(estimator)
    return TextNetworkSettings(
        n_filters=_n_filters(estimator),
        kernel_sizes=kernel_sizes,
        activation=estimator.activation,
        pooling=estimator.pooling,
        n_blocks=int(estimator.n_blocks),
        dense_units=dense_units,
        dropout=float(estimator.dropout),
        l2=float(estimator.l2),
        trainable_embeddings=bool(estimator.trainable_embeddings),
        network=estimator.network,
        engine=estimator.engine,
    )


def _refuse_what_the_network_does_not_read(estimator) -> None:
    """Refuse parameters of convolutions that a recurrent or a user's network ignores."""
    network = estimator.network
    if network is None:
        return
    if isinstance(network, str):
        refuse_ignored(
            estimator,
            ["kernel_sizes", "n_blocks"],
            why=f'A recurrent network (network="{network}")',
            expected="no such parameter, or network=None, which is convolutions",
        )
    else:
        name = getattr(network, "__name__", type(network).__name__)
        refuse_ignored(
            estimator,
            ["n_filters", "kernel_sizes", "pooling", "n_blocks"],
            why=f"A callable network (network={name})",
            expected="no such parameter, and the values in your function",
        )
    if not whole_numbers(estimator, "dense_units", at_least_one=False):
        refuse_ignored(
            estimator,
            ["activation"],
            why="A network without a layer for it (network= is set, dense_units=())",
            expected="for example dense_units=(64,), or no such parameter",
        )
