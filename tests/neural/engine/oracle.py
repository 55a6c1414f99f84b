"""Small tables and networks, and what Keras makes of them."""

from __future__ import annotations

import numpy as np
from inside import policy_of

from textcnn.neural.backend import ShapePolicy
from textcnn.neural.batches import Batches
from textcnn.neural.engine.layout import Design, started_tables
from textcnn.neural.engine.network import EngineNetwork
from textcnn.neural.engine.words import words_of
from textcnn.neural.jobs import TrainingJob
from textcnn.neural.network import TracedNetwork
from textcnn.text.documents import TextSource
from textcnn.text.network import TextNetworkSettings
from textcnn.text.reader import ColumnReader, ReaderSettings, blueprint
from textcnn.text.vectors import WordVectors

WORDS = np.array([*"abcdefghijklmnop", "Good", "GOOD", "good", "rare", "Bad", "bad"])
N_ROWS = 40


def vectors(dim: int = 5) -> WordVectors:
    """Return given vectors of some of the words."""
    words = [*"abcdefgh", "good", "Bad"]
    values = np.random.default_rng(1).normal(size=(len(words), dim))
    return WordVectors(words, values.astype(np.float32))


def cells(seed: int, n_rows: int = N_ROWS, longest: int = 9) -> list[str]:
    """Return texts of many lengths, some empty."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, longest + 1, n_rows)
    lengths[:2] = 0, longest
    return [" ".join(random.choice(WORDS, length)) for length in lengths]


def text_network(
    n_columns=1,
    *,
    given=True,
    learned_dim=4,
    loss="binary_crossentropy",
    n_outputs=1,
    level="word",
    longest=9,
    **settings,
):
    """Return a blueprint and the rows of a small table."""
    chosen = TextNetworkSettings(**({"n_filters": 3, "kernel_sizes": (2, 3)} | settings))
    reader_settings = ReaderSettings(
        embeddings=vectors() if given else None,
        learned_dim=learned_dim,
        tokenizer="char" if level == "char" else "word",
        keep_vectors=10,
    )
    readers, documents = [], []
    for column in range(n_columns):
        reader, read = ColumnReader.fit(
            reader_settings.tokenize(cells(column, longest=longest)),
            reader_settings,
            vector_seed=0,
            corpus_seed=0,
        )
        readers.append(reader)
        documents.append(read)
    source = TextSource(
        documents,
        [reader.vocabulary for reader in readers],
        min_count=2,
        trainable=chosen.trainable_embeddings,
        learns_vectors=learned_dim > 0,
    )
    return blueprint(readers, chosen, n_outputs=n_outputs, loss=loss), source


def random_targets(loss: str, n_outputs: int, n_rows: int = N_ROWS) -> np.ndarray:
    """Return targets as training sees them, smoothed where they are classes."""
    random = np.random.default_rng(5)
    if loss == "binary_crossentropy":
        targets = random.integers(0, 2, (n_rows, n_outputs)) * 0.9 + 0.05
    elif loss == "categorical_crossentropy":
        targets = np.eye(n_outputs)[random.integers(0, n_outputs, n_rows)] * 0.9 + 0.1 / n_outputs
    elif loss == "poisson":
        targets = random.poisson(2, (n_rows, n_outputs))
    else:
        targets = random.normal(size=(n_rows, n_outputs))
    return targets.astype(np.float32)


def random_weights(design: Design, source, seed: int = 3) -> dict[str, np.ndarray]:
    """Return weights by their Keras paths, biases and vectors large enough to matter."""
    random = np.random.default_rng(seed)
    flat = random.normal(0, 0.4, design.size).astype(np.float32)
    tables = started_tables(design, source.tables(), random)
    for path in tables:
        if path.startswith("learned"):
            tables[path] *= 10
    return design.exported(design.views(flat), tables)


def engine_network(plan, source, view, weights, offset) -> EngineNetwork:
    """Return the engine's network with these weights."""
    design = plan.design
    tables = {path: weights[path].copy() for path in design.table_shapes}
    columns = words_of(source, view, design, source.tables(), tables)
    flat = design.imported(weights)
    return EngineNetwork(design, plan.loss, columns, flat, offset)


def keras_network(plan, source, weights, offset, keep=None) -> TracedNetwork:
    """Return Keras' network with these weights, and with this mask for its dropout."""
    import keras

    network = TracedNetwork(plan)
    network.load_tables(source.tables())
    network.load_weights([weights[name] for name in network.weight_names()])
    network.set_level(offset)
    if keep is not None:
        (layer,) = [x for x in network.model.layers if isinstance(x, keras.layers.Dropout)]
        layer.call = lambda inputs, training=False: inputs * keep if training else inputs
    return network


def keras_gradients(network: TracedNetwork, plan, inputs, targets, weights):
    """Return Keras' loss and its gradients by path, dense."""
    import tensorflow

    model = network.model
    with tensorflow.GradientTape() as tape:
        raw = model(inputs, training=True)
        loss = model.compute_loss(x=inputs, y=targets, y_pred=raw, sample_weight=weights)
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    return float(loss), {
        variable.path: tensorflow.convert_to_tensor(gradient).numpy()
        for variable, gradient in zip(variables, gradients, strict=True)
    }


def job(plan, values, **changes) -> TrainingJob:
    """Return a job on the first 30 rows that predicts the others."""
    learn = np.arange(30)
    settings = {
        "learn": learn,
        "targets": values[learn],
        "weights": np.linspace(0.5, 1.5, len(learn)).astype(np.float32),
        "offset": np.full(plan.design.n_outputs, 0.1, np.float32),
        "updates": 14,
        "batch_size": 8,
        "learning_rate": 0.01,
        "weights_seed": 100,
        "batches_seed": np.random.SeedSequence([0, 1]),
        "predict": np.arange(30, N_ROWS),
    }
    return TrainingJob(**(settings | changes))


def inputs_of(source, rows, view):
    """Return what Keras reads of some rows."""
    batches = Batches(
        source, rows, view, batch_size=len(rows), policy=ShapePolicy(False, None), seed=None
    )
    return source.gather(rows, view, policy_of(batches))
