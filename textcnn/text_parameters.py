"""The parameters of words and text networks: checked before any training, then grouped."""

from __future__ import annotations

from textcnn.parameters import (
    check_activation,
    number,
    one_of,
    whole_number,
    whole_numbers,
    yes_or_no,
)
from textcnn.text.network import POOLINGS, TextNetworkSettings
from textcnn.text.reader import ReaderSettings, embedding_sources, is_corpus


def reader_settings(estimator) -> ReaderSettings:
    """Check the parameters about words and vectors; return them as settings."""
    sources = embedding_sources(estimator.embeddings)
    yes_or_no(estimator, "trainable_embeddings")
    if estimator.corpus_options is not None and not any(map(is_corpus, sources)):
        raise ValueError(
            'corpus_options are settings of embeddings="corpus", which is not asked for. Received: '
            f"corpus_options={estimator.corpus_options!r}, embeddings={estimator.embeddings!r}."
        )
    if estimator.max_length is not None:
        whole_number(estimator, "max_length", 1)
    whole_number(estimator, "min_count", 1)
    if estimator.learned_dim != "auto":
        whole_number(estimator, "learned_dim", 0, or_string="auto")
        if estimator.learned_dim == 0 and not embedding_sources(estimator.embeddings):
            raise ValueError(
                "learned_dim=0 leaves words without any vector, because no embeddings are given. "
                'Expected: embeddings=, or learned_dim="auto" or at least 1. '
                "Received: learned_dim=0, embeddings=None."
            )
    if estimator.keep_vectors != "seen":
        whole_number(estimator, "keep_vectors", 0, or_string="seen")
    if estimator.corpus_options is not None and not isinstance(estimator.corpus_options, dict):
        raise ValueError(
            "corpus_options must be a dict of gensim settings or None. "
            f"Received: corpus_options={estimator.corpus_options!r}."
        )
    return ReaderSettings(
        embeddings=estimator.embeddings,
        corpus_options=estimator.corpus_options,
        tokenizer=estimator.tokenizer,
        max_length=estimator.max_length,
        min_count=int(estimator.min_count),
        keep_vectors=estimator.keep_vectors,
        learned_dim=estimator.learned_dim,
    )


def network_settings(estimator) -> TextNetworkSettings:
    """Check the parameters of the network; return them as settings."""
    whole_number(estimator, "n_filters", 1)
    whole_number(estimator, "n_blocks", 1)
    kernel_sizes = whole_numbers(estimator, "kernel_sizes", at_least_one=True)
    dense_units = whole_numbers(estimator, "dense_units", at_least_one=False)
    one_of(estimator, "pooling", POOLINGS)
    number(estimator, "dropout", 0.0, below=1.0)
    number(estimator, "l2", 0.0)
    check_activation(estimator.activation)
    if estimator.network is not None and not callable(estimator.network):
        raise ValueError(
            "network must be None (convolutions over words) or a callable that takes the number "
            "of channels per word and returns a keras.Model. "
            f"Received: network={estimator.network!r}."
        )
    return TextNetworkSettings(
        n_filters=int(estimator.n_filters),
        kernel_sizes=kernel_sizes,
        activation=estimator.activation,
        pooling=estimator.pooling,
        n_blocks=int(estimator.n_blocks),
        dense_units=dense_units,
        dropout=float(estimator.dropout),
        l2=float(estimator.l2),
        trainable_embeddings=bool(estimator.trainable_embeddings),
        network=estimator.network,
    )
