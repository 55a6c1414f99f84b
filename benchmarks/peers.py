"""Other ways to get out-of-fold features of a text CNN, each as its users would write it.

All sides use the same texts, folds, pretrained vectors, trainable dimensions, filters, epochs,
batch size and schedule; the others tokenise with scikit-learn's analyzer. Each returns one
probability per row.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from shared_data import data_file
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import StratifiedKFold

VECTORS = "vectors/domain.50k.100d.txt.gz"


@dataclass(frozen=True)
class Work:
    """One task, the same for every side."""

    texts: tuple[str, ...]
    y: np.ndarray
    folds: tuple
    learned_dim: int = 32
    epochs: int = 2
    batch_size: int = 64
    n_filters: int = 100
    kernel_sizes: tuple[int, ...] = (3, 4, 5)
    learning_rate: float = 3e-3
    max_length: int | None = None


# Data set -> file, text column, target column, and the class that is predicted against the rest.
TASKS = {
    "mr": ("text/mr.csv.gz", "text", "label", "pos"),
    "sst2": ("text/sst2.csv.gz", "text", "label", "pos"),
    "imdb": ("text/imdb.csv.gz", "text", "label", "pos"),
    "trec": ("text/trec.csv.gz", "text", "label", "ENTY"),
    "clothing": ("tables/womens_clothing.csv.gz", "review_text", "recommended", "1"),
    "tweets": ("tables/airline_tweets.csv.gz", "text", "airline_sentiment", "negative"),
    "whisky": ("tables/scotch_reviews.csv.gz", "description", "category", "Single Malt Scotch"),
}


def load_work(name: str, *, rows: int | None, folds: int, **settings) -> Work:
    """Return a task on a shared set: one class against the rest, without rows that have no text."""
    file, text, target, positive = TASKS[name]
    table = pd.read_csv(data_file(file), keep_default_na=False, dtype=str)
    table = table[table[text] != ""]
    texts, y = table[text], table[target] == positive
    order = np.random.default_rng(0).permutation(len(y))[:rows]
    y = y.to_numpy(int)[order]
    if not 0.05 < y.mean() < 0.95:
        raise ValueError(f"{positive!r} is no class of {target!r}, or a rare one: {y.mean():.3f}")
    splits = StratifiedKFold(folds, shuffle=True, random_state=0).split(y, y)
    return Work(tuple(texts.iloc[order]), y, tuple(splits), **settings)


def encoder_settings(work: Work, seed: int) -> dict:
    """Return the parameters of our encoder for a task."""
    return {
        "embeddings": data_file(VECTORS),
        "learned_dim": work.learned_dim,
        "cv": list(work.folds),
        "epochs": work.epochs,
        "n_filters": work.n_filters,
        "kernel_sizes": work.kernel_sizes,
        "batch_size": work.batch_size,
        "learning_rate": work.learning_rate,
        "max_length": work.max_length,
        # As in the networks of the other sides.
        "n_networks": 1,
        "dropout": 0.5,
        "label_smoothing": 0.0,
        "random_state": seed,
    }


def textcnn_encoder(work: Work, seed: int, **changes) -> np.ndarray:
    """Return out-of-fold probabilities of our encoder."""
    from textcnn import TextCNNEncoder

    encoder = TextCNNEncoder(**(encoder_settings(work, seed) | changes))
    return encoder.fit_transform(list(work.texts), work.y)[:, 0]


def read_words(work: Work):
    """Return documents as lists of ids from 1 on, and the pretrained vectors by id."""
    analyze = CountVectorizer(token_pattern=r"\w+|[^\w\s]").build_analyzer()
    words: dict[str, int] = {}
    documents = [
        [words.setdefault(word, len(words) + 1) for word in analyze(text)[: work.max_length]]
        for text in work.texts
    ]
    table = np.random.default_rng(0).normal(0, 0.3, (len(words) + 1, 100)).astype(np.float32)
    table[0] = 0
    with gzip.open(data_file(VECTORS), "rt", encoding="utf-8") as lines:
        for line in lines:
            word, numbers = line.rstrip("\n").split(" ", 1)
            if word in words:
                table[words[word]] = np.array(numbers.split(), np.float32)
    return documents, table


def padded(documents, length: int) -> np.ndarray:
    """Return ids of shape (n_documents, length), padded with 0."""
    ids = np.zeros((len(documents), length), np.int32)
    for row, document in enumerate(documents):
        ids[row, : len(document)] = document
    return ids


def keras_loop(work: Work, seed: int, *, is_recurrent: bool = False) -> np.ndarray:
    """Build a Keras model per fold, pad to the longest, ``fit`` and ``predict``.

    The recurrent network is a bidirectional GRU with as many units in total as the CNN has filters.
    """
    import keras

    keras.utils.set_random_seed(seed)
    documents, given = read_words(work)
    ids = padded(documents, max(map(len, documents)))
    out_of_fold = np.empty(len(work.y))
    for learn, held_out in work.folds:
        model = keras_model(work, given, n_learn=len(learn), is_recurrent=is_recurrent)
        model.fit(
            ids[learn], work.y[learn], batch_size=work.batch_size, epochs=work.epochs, verbose=0
        )
        out_of_fold[held_out] = model.predict(ids[held_out], verbose=0)[:, 0]
    return out_of_fold


def careful_keras(work: Work, seed: int) -> np.ndarray:
    """Compile once, reset the weights per fold, batch by length, as a careful user would."""
    import keras
    import tensorflow

    keras.utils.set_random_seed(seed)
    documents, given = read_words(work)
    lengths = np.array([max(len(document), max(work.kernel_sizes)) for document in documents])
    random = np.random.default_rng(seed)
    model = keras_model(work, given, n_learn=len(work.folds[0][0]))
    start = model.get_weights()
    slots = [variable.numpy() for variable in model.optimizer.variables]

    def batches(rows, shuffle):
        rows = random.permutation(rows) if shuffle else rows
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        parts = [rows[i : i + work.batch_size] for i in range(0, len(rows), work.batch_size)]
        order = random.permutation(len(parts)) if shuffle else range(len(parts))
        for number in order:
            part = parts[number]
            ids = padded([documents[row] for row in part], lengths[part].max())
            yield ids, work.y[part].astype(np.float32)[:, None]

    def dataset(rows, shuffle):
        signature = (
            tensorflow.TensorSpec((None, None), tensorflow.int32),
            tensorflow.TensorSpec((None, 1), tensorflow.float32),
        )
        made = tensorflow.data.Dataset.from_generator(
            lambda: batches(rows, shuffle), output_signature=signature
        )
        count = -(-len(rows) // work.batch_size)
        return made.apply(tensorflow.data.experimental.assert_cardinality(count)).prefetch(2)

    out_of_fold = np.empty(len(work.y))
    for learn, held_out in work.folds:
        model.set_weights(start)
        for variable, value in zip(model.optimizer.variables, slots, strict=True):
            variable.assign(value)
        model.fit(dataset(learn, True), epochs=work.epochs, verbose=0)
        by_length = held_out[np.argsort(lengths[held_out], kind="stable")]
        out_of_fold[by_length] = model.predict(dataset(held_out, False), verbose=0)[:, 0]
    return out_of_fold


def keras_model(work: Work, given, *, n_learn: int, is_recurrent: bool = False):
    """Return the compiled model of one fold, as in many tutorials."""
    import keras
    from keras import layers

    ids = keras.Input((None,), dtype="int32")
    frozen = keras.initializers.Constant(given)
    x = layers.Embedding(*given.shape, embeddings_initializer=frozen, trainable=False)(ids)
    if work.learned_dim:
        start = keras.initializers.RandomNormal(stddev=0.05)
        learned = layers.Embedding(len(given), work.learned_dim, embeddings_initializer=start)(ids)
        x = layers.Concatenate()([x, learned])
    if is_recurrent:
        units = work.n_filters * len(work.kernel_sizes) // 2
        x = layers.Bidirectional(layers.GRU(units, return_sequences=True))(x)
        x = layers.GlobalMaxPooling1D()(x)
    else:
        maps = [
            layers.Conv1D(work.n_filters, size, activation="relu")(x) for size in work.kernel_sizes
        ]
        x = layers.Concatenate()([layers.GlobalMaxPooling1D()(m) for m in maps])
    x = layers.Dropout(0.5)(x)
    model = keras.Model(ids, layers.Dense(1, activation="sigmoid")(x))
    updates = work.epochs * -(-n_learn // work.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(work.learning_rate, updates)
    model.compile(keras.optimizers.Adam(schedule), "binary_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def skorch_module(work: Work, seed: int) -> np.ndarray:
    """Fit a PyTorch module per fold by skorch, under scikit-learn's ``cross_val_predict``."""
    import torch
    from sklearn.model_selection import cross_val_predict
    from skorch import NeuralNetClassifier
    from skorch.callbacks import LRScheduler

    torch.manual_seed(seed)
    documents, given = read_words(work)
    ids = padded(documents, max(map(len, documents))).astype(np.int64)
    updates = work.epochs * -(-len(work.folds[0][0]) // work.batch_size)
    net = NeuralNetClassifier(
        _torch_cnn(),
        module__given=given,
        module__work=work,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=work.learning_rate,
        batch_size=work.batch_size,
        max_epochs=work.epochs,
        train_split=None,
        iterator_train__shuffle=True,
        callbacks=[
            LRScheduler(
                torch.optim.lr_scheduler.CosineAnnealingLR, T_max=updates, step_every="batch"
            )
        ],
        verbose=0,
    )
    probabilities = cross_val_predict(
        net, ids, work.y.astype(np.int64), cv=list(work.folds), method="predict_proba"
    )
    return probabilities[:, 1]


@cache
def _torch_cnn():
    """Return the module's class (defined after torch is imported)."""
    import torch
    from torch import nn

    class TorchCNN(nn.Module):
        def __init__(self, given, work):
            super().__init__()
            self.given = nn.Embedding.from_pretrained(torch.from_numpy(given), freeze=True)
            self.learned = nn.Embedding(len(given), work.learned_dim) if work.learned_dim else None
            if self.learned is not None:
                nn.init.normal_(self.learned.weight, std=0.05)
            dim = given.shape[1] + work.learned_dim
            self.convolutions = nn.ModuleList(
                nn.Conv1d(dim, work.n_filters, size) for size in work.kernel_sizes
            )
            self.dropout = nn.Dropout(0.5)
            self.output = nn.Linear(work.n_filters * len(work.kernel_sizes), 2)

        def forward(self, ids):
            x = self.given(ids)
            if self.learned is not None:
                x = torch.cat([x, self.learned(ids)], -1)
            x = x.transpose(1, 2)
            pooled = [conv(x).relu().amax(dim=2) for conv in self.convolutions]
            return self.output(self.dropout(torch.cat(pooled, 1)))

    return TorchCNN
