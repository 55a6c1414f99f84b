"""Check that the parts of a loaded estimator are consistent, before anything is built from them.

The sizes of a network come from its settings; compared with the stored arrays, they cannot request
more memory than the file has.
"""

from __future__ import annotations

import numpy as np

from textcnn.neural.heads import LOSSES
from textcnn.persistence.archive import FileFormatError
from textcnn.text.joining import JoinedTokenizer

_KINDS = ("binary", "multiclass", "multilabel", "continuous", "multioutput")
# Networks with layer sizes from settings; the sizes of others are in their code.
_OURS = (None, "bigru", "simple", "residual")
# Limit for n-gram sizes, because every size needs a loop over the rows.
_LONGEST_NGRAM = 1_000_000


def check_head(head) -> None:
    """Refuse a target with an inconsistent type, loss and number of outputs."""
    if head.kind not in _KINDS or head.loss not in LOSSES or head.output not in ("proba", "logit"):
        raise FileFormatError(f"Its target has an unknown type: {head.kind!r}, {head.loss!r}.")
    named = {
        "binary": 2 if head.n_outputs == 1 else 0,
        "multiclass": head.n_outputs,
        "multilabel": head.n_outputs,
    }.get(head.kind)
    if named is not None and (head.classes is None or len(head.classes) != named):
        raise FileFormatError("The classes of its target do not match its outputs.")
    if head.n_outputs < 1 or (head.kind == "continuous" and head.n_outputs != 1):
        raise FileFormatError("The outputs of its target do not match its type.")


def check_columns(estimator) -> None:
    """Refuse an estimator whose columns do not match its parts."""
    n_columns = _check_names(estimator)
    hashes = getattr(estimator, "_row_hashes", None)
    is_encoder = hasattr(estimator, "get_feature_names_out")
    if is_encoder and (hashes is None or hashes.ndim != 1):
        raise FileFormatError("The hashes of its training rows are not there.")
    sets = getattr(estimator, "_model_sets", [])
    if not sets or not all(sets):
        raise FileFormatError("It holds no models.")
    tokenizers = [tokenizer for models in sets for tokenizer in _tokenizers(models[0])]
    if not tokenizers:
        return
    is_joined = getattr(estimator, "join_columns", False) and n_columns > 1
    joins = [isinstance(tokenizer, JoinedTokenizer) for tokenizer in tokenizers]
    is_linear = hasattr(sets[0][0], "counter")
    if len(tokenizers) != (1 if is_joined else n_columns) or (
        not is_linear and any(join != is_joined for join in joins)
    ):
        raise FileFormatError("Its columns do not fit its networks.")


def _tokenizers(models) -> list:
    """Return the tokenizers of the text columns that a set of models reads."""
    if hasattr(models, "counter"):
        return [models.counter.tokenizer]
    return [reader.tokenizer for reader in getattr(models, "readers", ())]


def _check_names(estimator) -> int:
    """Check the type and number of column names; return the number."""
    names = getattr(estimator, "feature_names_in_", None)
    n_columns = getattr(estimator, "n_features_in_", 1)
    if n_columns < 1 or (names is not None and names.shape != (n_columns,)):
        raise FileFormatError("The number of its columns does not match their names.")
    if names is not None and not all(isinstance(name, str) for name in names):
        raise FileFormatError("The name of a column is not a string.")
    return n_columns


def check_models(estimator) -> None:
    """Refuse fold models that cannot predict, such as a pipeline whose last step is none."""
    head = estimator._head
    for models in estimator._model_sets:
        for one in models:
            if hasattr(one, "settings"):
                check_network(one, head)
                continue
            folds = one.models
            if not folds or any(not _can_predict(fold.model) for fold in folds):
                raise FileFormatError("A model of it cannot predict.")
            for fold in folds:
                _check_level(fold.level, head)
            if hasattr(one, "counter"):
                _check_counter(one.counter)
                if not all(_is_linear_model_of(fold.model, one.counter, head) for fold in folds):
                    raise FileFormatError("A linear model does not fit its n-grams or its target.")


def _can_predict(fitted) -> bool:
    return hasattr(getattr(fitted, "estimator", None), getattr(fitted, "method", ""))


def _check_level(level, head) -> None:
    for part in (level.offset, level.centre, level.scale, level.feature_unit):
        if part.shape != (head.n_outputs,):
            raise FileFormatError("The base rate of a model does not match its target.")
    if level.neutral.shape not in ((1,), (head.n_outputs,)):
        raise FileFormatError("The mean output of a model does not match its target.")


def _check_tokenizer(tokenizer) -> None:
    if isinstance(tokenizer, JoinedTokenizer):
        tokenizer = tokenizer.tokenizer
    is_name = isinstance(tokenizer, str) and tokenizer in ("word", "char")
    if not is_name and not callable(tokenizer):
        raise FileFormatError("A tokenizer is unknown and not a function.")


def _check_counter(counter) -> None:
    """Refuse an invalid counter of n-grams."""
    _check_tokenizer(counter.tokenizer)
    for sizes, known in (
        (counter.word_sizes, counter.words),
        (counter.char_sizes, counter.characters),
    ):
        if len(sizes) not in (0, 2) or (sizes and not 1 <= sizes[0] <= sizes[1] <= _LONGEST_NGRAM):
            raise FileFormatError("Invalid n-gram sizes.")
        if not _is_array(known, "iu", 1) or (len(known) and not sizes):
            raise FileFormatError("Invalid n-grams of a column.")


def _is_linear_model_of(fitted, counter, head) -> bool:
    """Return whether weights and model of a fold match their n-grams."""
    steps = getattr(fitted.estimator, "steps", None)
    names = ("Ridge",) if head.is_regression else ("CentredLogisticRegression",)
    if (
        not isinstance(steps, list)
        or not all(isinstance(step, tuple) and len(step) == 2 for step in steps)
        or not all(isinstance(step[0], str) for step in steps)
        or [step[0] for step in steps] != ["tfidf", "linear"]
        or type(steps[0][1]).__name__ != "FoldTfidf"
        or type(steps[1][1]).__name__ not in names
    ):
        return False
    weights, model = (vars(step[1]) for step in steps)
    n_columns = max(counter.n_ngrams, 1)
    idf, n_words = weights.get("idf_"), weights.get("n_words")
    coef, intercept = model.get("coef_"), model.get("intercept_")
    if (
        not _is_array(idf, "f", 1)
        or len(idf) != n_columns
        or type(n_words) is not int
        or n_words != counter.n_words
    ):
        return False
    if head.is_regression:
        shapes = [(head.n_outputs, n_columns)] + [(n_columns,)] * (head.n_outputs == 1)
        return (
            fitted.method == "predict"
            and _is_array(coef, "f", 1, 2)
            and coef.shape in shapes
            and (isinstance(intercept, float | np.floating) or _is_array(intercept, "f", 0, 1))
            and np.shape(intercept) in ((), (head.n_outputs,))
        )
    return (
        fitted.method == "predict_proba"
        and fitted.centre is None
        and _is_array(coef, "f", 2)
        and coef.shape == (n_columns, head.n_outputs)
        and _is_array(intercept, "f", 1)
        and len(intercept) == head.n_outputs
        and _is_array(model.get("means_"), "f", 1)
        and len(model["means_"]) == n_columns
        and isinstance(model.get("_softmax"), bool | np.bool_)
        and bool(model["_softmax"]) == (head.kind == "multiclass")
        and _are_classes_of(model.get("classes_"), head)
    )


def _are_classes_of(classes, head) -> bool:
    if head.kind == "multilabel":
        return isinstance(classes, list) and all(
            _is_array(label, "iu", 1) and label.tolist() == [0, 1] for label in classes
        )
    return (
        isinstance(classes, np.ndarray)
        and classes.ndim == 1
        and classes.tolist() == np.asarray(head.classes).tolist()
    )


def _is_array(value, kinds: str, *n_dimensions: int) -> bool:
    return (
        isinstance(value, np.ndarray) and value.dtype.kind in kinds and value.ndim in n_dimensions
    )


def check_table(features) -> None:
    """Refuse a TableFeatures with inconsistent columns and members."""
    parts = vars(features)
    named = ("_others", "_member_numbers", "_text_numbers", "_text_kinds", "_row_hashes")
    if any(name not in parts for name in (*named, "_report", "n_features_in_", "text_columns_")):
        raise FileFormatError("It contains a TableFeatures that is not fitted.")
    _check_names(features)
    own = [number for number in features._member_numbers if number is not None]
    numbers = [*features._others.numbers, *own, *features._text_numbers]
    if any(not 0 <= number < features.n_features_in_ for number in numbers):
        raise FileFormatError("A column of TableFeatures is not in its table.")
    members = features._fitted_members
    if len(features._member_numbers) != len(members):
        raise FileFormatError("The members of TableFeatures do not match its columns.")
    if not len(features._text_numbers) == len(features._text_kinds) == len(features.text_columns_):
        raise FileFormatError("The text columns of TableFeatures do not match its table.")
    for fitted, number in zip(members, features._member_numbers, strict=True):
        read = fitted.joined or (fitted.column,)
        if (
            (number is None) != bool(fitted.joined)
            or not set(read) <= set(features.text_columns_)
            or not hasattr(fitted.encoder, "transform")
        ):
            raise FileFormatError("A member of TableFeatures does not match its columns.")


def check_network(network, head) -> None:
    """Refuse a network whose weights do not match its settings."""
    if network.n_outputs != head.n_outputs or network.loss != head.loss or not network.models:
        raise FileFormatError("A network does not match its target.")
    for reader in getattr(network, "readers", ()):
        _check_tokenizer(getattr(reader, "tokenizer", "word"))
    kind = network.settings.network
    # Image networks may also be pretrained networks of Keras, with many names.
    if hasattr(network, "readers") and kind not in _OURS and not callable(kind):
        raise FileFormatError("A network is of an unknown kind.")
    for fold in network.models:
        model, level = fold.model, fold.level
        _check_level(level, head)
        if len(model.names) != len(model.weights):
            raise FileFormatError("The weights of a model do not match their names.")
        shapes = dict(zip(model.names, (array.shape for array in model.weights), strict=True))
        if hasattr(network, "readers"):
            _check_views(network, model.view)
        expected = _text_shapes(network) if _is_plain_text(network) else None
        if expected is not None and shapes != expected:
            raise FileFormatError("The weights of a model do not match its settings.")
        _check_bounds(network.settings, shapes)


def _check_views(network, view) -> None:
    names = {f"known_{i}" for i in range(len(network.readers))}
    sizes = [reader.vocabulary.n_learned for reader in network.readers]
    shapes = {f"known_{i}": (size,) for i, size in enumerate(sizes)}
    if set(view) != names or any(
        view[name].shape != shapes[name] or view[name].dtype != bool for name in names
    ):
        raise FileFormatError("The known words of a model do not match its vocabulary.")


def _is_plain_text(network) -> bool:
    return hasattr(network, "readers") and network.settings.network is None


def _text_shapes(network) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the variables of a convolutional text network, by name."""
    settings, shapes = network.settings, {}
    poolings = 2 if settings.pooling == "both" else 1
    for i, reader in enumerate(network.readers):
        tables, parts = reader.tables, []
        if tables.given_dim:
            parts.append(tables.given_dim)
            if settings.trainable_embeddings:
                shapes[f"given_{i}/embeddings"] = (tables.given_rows, tables.given_dim)
        if tables.learned_dim:
            parts.append(tables.learned_dim)
            shapes[f"learned_{i}/embeddings"] = (tables.learned_rows, tables.learned_dim)
        parts = [sum(parts)] if settings.trainable_embeddings else parts
        for branch, width in enumerate(settings.kernel_sizes):
            for block in range(min(settings.n_blocks, 1000)):
                for number, dim in enumerate(parts if block == 0 else [settings.n_filters]):
                    name = f"convolution_{i}_{branch}_{block}_{number}"
                    shapes[f"{name}/kernel"] = (width, dim, settings.n_filters)
                    if number == 0:
                        shapes[f"{name}/bias"] = (settings.n_filters,)
    n_features = settings.n_filters * poolings * len(settings.kernel_sizes) * len(network.readers)
    for layer, units in enumerate(settings.dense_units):
        shapes[f"dense_{layer}/kernel"] = (n_features, units)
        shapes[f"dense_{layer}/bias"] = (units,)
        n_features = units
    shapes["raw_output/kernel"] = (n_features, network.n_outputs)
    return shapes


def _check_bounds(settings, shapes) -> None:
    """Refuse numbers and sizes of layers that need more weights than stored."""
    if callable(settings.network) or settings.network not in _OURS:
        return
    largest = max((side for shape in shapes.values() for side in shape), default=0)
    for name in ("n_blocks", "n_convolutions", "depth"):
        if getattr(settings, name, 0) > max(4 * len(shapes), 20):
            raise FileFormatError(f"{name} does not match the weights of a model.")
    widths = [getattr(settings, "n_filters", 0), *settings.dense_units]
    widths += [block.n_filters for block in getattr(settings, "blocks", ())]
    if any(not 0 <= width <= largest for width in widths):
        raise FileFormatError("The sizes of layers do not match the weights of a model.")
