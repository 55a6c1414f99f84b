"""The parameters that every text network shares: checked before any training, then grouped."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from textcnn.fitting import TrainingSettings
from textcnn.neural.backend import import_keras
from textcnn.text.network import POOLINGS, TextNetworkSettings
from textcnn.text.reader import ReaderSettings, embedding_sources, is_corpus


def reader_settings(estimator) -> ReaderSettings:
    """Check the parameters about words and vectors; return them as settings."""
    sources = embedding_sources(estimator.embeddings)
    _yes_or_no(estimator, "trainable_embeddings")
    if estimator.corpus_options is not None and not any(map(is_corpus, sources)):
        raise ValueError(
            'corpus_options are settings of embeddings="corpus", which is not asked for. Received: '
            f"corpus_options={estimator.corpus_options!r}, embeddings={estimator.embeddings!r}."
        )
    if estimator.max_length is not None:
        _whole_number(estimator, "max_length", 1)
    _whole_number(estimator, "min_count", 1)
    if estimator.learned_dim != "auto":
        _whole_number(estimator, "learned_dim", 0, or_string="auto")
        if estimator.learned_dim == 0 and not embedding_sources(estimator.embeddings):
            raise ValueError(
                "learned_dim=0 leaves words without any vector, because no embeddings are given. "
                'Expected: embeddings=, or learned_dim="auto" or at least 1. '
                "Received: learned_dim=0, embeddings=None."
            )
    if estimator.keep_vectors != "seen":
        _whole_number(estimator, "keep_vectors", 0, or_string="seen")
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
    _whole_number(estimator, "n_filters", 1)
    _whole_number(estimator, "n_blocks", 1)
    kernel_sizes = _whole_numbers(estimator, "kernel_sizes", at_least_one=True)
    dense_units = _whole_numbers(estimator, "dense_units", at_least_one=False)
    one_of(estimator, "pooling", POOLINGS)
    _number(estimator, "dropout", 0.0, below=1.0)
    _number(estimator, "l2", 0.0)
    _check_activation(estimator.activation)
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


def training_settings(estimator) -> TrainingSettings:
    """Check the parameters of training; return them as settings."""
    if estimator.epochs != "auto":
        _whole_number(estimator, "epochs", 1, or_string="auto")
    _whole_number(estimator, "batch_size", 1)
    _yes_or_no(estimator, "early_stopping")
    _number(estimator, "learning_rate", 0.0, above=True)
    class_weight = estimator.class_weight
    is_word = isinstance(class_weight, str) and class_weight == "balanced"
    if not (class_weight is None or is_word or isinstance(class_weight, dict)):
        raise ValueError(
            'class_weight must be None, "balanced" or a dict from class to weight. '
            f"Received: class_weight={class_weight!r}."
        )
    return TrainingSettings(
        epochs=estimator.epochs,
        batch_size=int(estimator.batch_size),
        learning_rate=float(estimator.learning_rate),
        early_stopping=bool(estimator.early_stopping),
        class_weight=class_weight,
    )


def check_class_weight(class_weight, target) -> None:
    """Refuse class weights where there are no classes, and weights of unknown classes."""
    if class_weight is None:
        return
    if target.kind not in ("binary", "multiclass"):
        raise ValueError(
            "class_weight needs a target of classes. Expected: class_weight=None for this target. "
            f"Received: class_weight={class_weight!r}, target type {target.kind!r}."
        )
    if isinstance(class_weight, dict):
        numbers = list(class_weight.values())
        if not all(isinstance(w, Real) and 0 <= w < float("inf") for w in numbers) or not any(
            numbers
        ):
            raise ValueError(
                "class_weight must hold finite numbers from 0 on, one of them above 0. "
                f"Received: class_weight={class_weight!r}."
            )
        unknown = [name for name in class_weight if name not in list(target.classes)]
        if unknown:
            raise ValueError(
                f"class_weight names classes that y does not hold: {unknown}. Expected: some of "
                f"{list(target.classes)}. Received: class_weight={class_weight!r}."
            )


def yes_or_no(estimator, *names: str) -> None:
    """Refuse parameters that are neither True nor False."""
    for name in names:
        _yes_or_no(estimator, name)


def one_of(estimator, name: str, choices) -> None:
    """Refuse a parameter that is not one of its choices."""
    value = getattr(estimator, name)
    if value not in choices:
        raise ValueError(f"{name} must be one of {tuple(choices)}. Received: {name}={value!r}.")


def _check_activation(activation) -> None:
    if not isinstance(activation, str):
        raise ValueError(
            'activation must be the name of a Keras activation, "relu" or "tanh" say. '
            f"Received: activation={activation!r}."
        )
    activations = import_keras().activations
    try:
        activations.get(activation)
    except ValueError as error:
        others = {"get", "serialize", "deserialize"}
        names = sorted(name for name in dir(activations) if name[0].islower() if name not in others)
        raise ValueError(
            f"The activation is not one that Keras knows. Expected: one of {names}. "
            f"Received: activation={activation!r}."
        ) from error


def _yes_or_no(estimator, name: str) -> None:
    value = getattr(estimator, name)
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False. Received: {name}={value!r}.")


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _whole_number(estimator, name: str, least: int, or_string: str | None = None) -> None:
    value = getattr(estimator, name)
    if not _is_whole(value) or value < least:
        other = f'"{or_string}" or ' if or_string else ""
        raise ValueError(
            f"{name} must be {other}a whole number from {least} on. Received: {name}={value!r}."
        )


def _whole_numbers(estimator, name: str, *, at_least_one: bool) -> tuple[int, ...]:
    value = getattr(estimator, name)
    values = (value,) if _is_whole(value) else value
    values = values.tolist() if isinstance(values, np.ndarray) else values
    is_sequence = isinstance(values, (list, tuple))
    if (
        not is_sequence
        or not all(_is_whole(item) and item >= 1 for item in values)
        or (at_least_one and len(values) == 0)
    ):
        example = "(3, 4, 5)" if at_least_one else "() or (64,)"
        raise ValueError(
            f"{name} must be a whole number from 1 on or a tuple of such, {example} say. "
            f"Received: {name}={value!r}."
        )
    return tuple(int(item) for item in values)


def _number(
    estimator, name: str, least: float, *, below: float = float("inf"), above: bool = False
) -> None:
    value = getattr(estimator, name)
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not least <= value < below or (above and value == least):
        limits = f"above {least}" if above else f"from {least} on"
        if below != float("inf"):
            limits += f" and below {below}"
        raise ValueError(f"{name} must be a number {limits}. Received: {name}={value!r}.")
