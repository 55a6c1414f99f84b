"""The one place where tests look behind the public interface; no other test names a private.

What a test can see through ``report_``, ``fit`` and ``transform`` it takes from there. The rest
goes through these functions, so that the inside of the package may change at the cost of this file.
"""

from __future__ import annotations

import copy

# Imported where it is needed: a test of tokens starts no backend, and what moves breaks its tests
# alone.

# Functions that are tried by themselves, against a plain computation of the same


def resampled_scores(*given):
    """Return the scores of resampled test rows, of the demo's comparison."""
    from textcnn.command_line.comparison import _resampled_scores

    return _resampled_scores(*given)


def mean_and_squared_error(*given):
    """Return the mean of a gain over rows or groups, and its squared standard error."""
    from textcnn.crossfit.gap_measures import _mean_and_squared_error

    return _mean_and_squared_error(*given)


def weights_of_rows(rows, learn, target, sample_weight, settings):
    """Return the weights of rows in training, from those of rows and classes."""
    from textcnn.fit.models import Task
    from textcnn.fit.network_jobs import _weights

    return _weights(rows, learn, Task(target, 0, sample_weight), settings)


def augment_frames(*given):
    """Return Keras tensors of augmented images or sequences of them."""
    from textcnn.image.network import _augment

    return _augment(*given)


def parts_of_a_fold(rows, groups):
    """Return the parts of a fold in which the stack of a table's gains learns and is scored."""
    from textcnn.table.stack import _parts

    return _parts(rows, groups)


# What a fitted estimator holds


def plan_of(features):
    """Return the fold plan of a fitted encoder or TableFeatures."""
    return features._plan


def fitted_with_seconds(features, seconds):
    """Return the first fitted member of a TableFeatures, whose models took these seconds."""
    fitted = features._fitted_members[0]
    [record] = fitted.encoder._records
    record.seconds = seconds
    return fitted


def give_plan(fitted, plan) -> None:
    """Let an encoder that is not ours have a plan, as ``leakage_test`` looks for it."""
    fitted._plan = plan


def networks_of(fitted) -> list:
    """Return the fitted networks of the first column: one, or one per fold with own vectors."""
    return fitted._model_sets[0]


def network_of(fitted):
    """Return the fitted network of the first column, with its models and readers."""
    return networks_of(fitted)[0]


def keep_model(fitted, number: int):
    """Leave one model of the first column's network, and return the network."""
    network = network_of(fitted)
    fitted._model_sets = [[network.with_models([network.models[number]])]]
    return network_of(fitted)


def models_of(encoder) -> list:
    """Return the fitted models of the first column, of an encoder of scikit-learn estimators."""
    return encoder._model_sets[0][0].models


def counts_of(encoder, X):
    """Return the n-gram counts of the first column of X, and the counter, of a linear encoder."""
    [column] = encoder._read_columns(encoder, X, reset=True)
    counter, counts = encoder._learner()._count(column)
    return counts, counter


def image_settings_of(estimator):
    """Return what the parameters of a network of images come to."""
    return estimator._learner().network


def learner_of(estimator) -> dict[str, str]:
    """Return what the parameters of reading, of networks and of training come to, as text."""
    learner = estimator._learner()
    found = {"n_networks": learner.n_networks}
    for part in (learner.reading, learner.network, learner.training):
        found |= vars(part)
    return {name: repr(value) for name, value in found.items()}


def training_of(estimator):
    """Return what the parameters of training come to."""
    return estimator._learner().training


def score_of(report, metric: str, rows, predictions) -> tuple:
    """Return a score of a report for predictions of some rows, and why there is none."""
    return report._tables.scoring.score(metric, rows, predictions)


# Traced networks


def forget_networks() -> None:
    """Leave no network that served another fit, so that the next one is built and traced anew."""
    from textcnn.neural import network as network_module

    network_module._idle.clear()


def keras_model_of(network):
    """Return the Keras model of a traced network."""
    return network._model


def owned_variables(network) -> list:
    """Return the variables that belong to one model; those of a frozen part are shared."""
    return network._owned


def seeds_of(network) -> list:
    """Return the variables that hold the seeds of dropout and augmentation."""
    from textcnn.neural import network as network_module

    return [
        variable for variable in network_module._state(network._model) if "seed" in variable.path
    ]


def policy_of(batches):
    """Return which shapes the arrays of batches may have."""
    return batches._policy


# The engine


def compile_again() -> None:
    """Forget whether Numba could compile the engine, so that the next choice tries it."""
    from textcnn.neural.engine import choice

    choice._why_not_compiled.cache_clear()


# What the process keeps


def forget_vectors() -> None:
    """Leave no word vectors in memory."""
    from textcnn.text import piece_vectors, vectors

    vectors._cache.clear()
    piece_vectors._cache.clear()


def look_for_weights_of_wordllama_at(monkeypatch, name: str) -> None:
    """Let the package's vectors be looked for in another file of it."""
    from textcnn.text import piece_vectors

    monkeypatch.setattr(piece_vectors, "_WEIGHTS", name)


def vectors_kept() -> int:
    """Return how many files of word vectors are in memory."""
    from textcnn.text import vectors

    return len(vectors._cache)


def forget_fits_of_hosts() -> None:
    """Leave no fit that an adapter would use again."""
    from textcnn.integrations import adapter

    adapter._kept_fits.clear()


def count_loads(monkeypatch) -> list:
    """Forget files that parts of tables have loaded; return a list of those loaded from now on."""
    from textcnn.serving import partitions

    loads, load = [], partitions._load
    monkeypatch.setattr(partitions, "_load", lambda *given: loads.append(given) or load(*given))
    monkeypatch.setattr(partitions, "_loaded", {})
    return loads


def files_loaded() -> int:
    """Return how many files parts of tables keep."""
    from textcnn.serving import partitions

    return len(partitions._loaded)


# What takes the place of a measurement or a constant


def assume_trial_seconds(monkeypatch, once: float, per_row: float) -> None:
    """Let trial fits of adapters come to these seconds."""
    from textcnn.integrations import budget

    monkeypatch.setattr(budget, "_trial_seconds", lambda encoder, X: (once, per_row))


def explain_few_rows_at_a_time(monkeypatch, n_rows: int) -> None:
    """Make the parts small in which texts are explained."""
    monkeypatch.setattr("textcnn.explain.networks._MOST_ROWS", n_rows)


def onnx_rows_at_a_time() -> int:
    """Return how many rows the parts have in which ONNX serves."""
    from textcnn.serving import models

    return models._ROWS_AT_A_TIME["onnx"]


def name_bundled_file(monkeypatch, name: str) -> None:
    """Let the package look for its bundled table under another name."""
    monkeypatch.setattr("textcnn.datasets._FILE_NAME", name)


# Code for another process, which has no part of the tests

WRITE_TO_ARCHIVE = "archive.ArchiveWriter._write"

# Names in the state of a saved file, which tests of forged files change

HEAD = "_head"
MODEL_SETS = "_model_sets"
ROW_HASHES = "_row_hashes"
MEMBERS = "_fitted_members"
TEXT_NUMBERS = "_text_numbers"
SOFTMAX = "_softmax"
MAY_BE_ANYTHING = ("_history", "_notes", "classes_", "target_type_")


def exchange_models(encoder):
    """Return an encoder whose fold models are recorded in another order."""
    encoder = copy.deepcopy(encoder)
    [one] = encoder._model_sets[0]
    one.models = one.models[::-1]
    return encoder


def predict_again(report, X, features):
    """Let the fold models of a report predict again, and compare with features alone."""
    return report._predict_again(X, features)
