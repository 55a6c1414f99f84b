"""Whether the parts of a loaded estimator fit together, before anything is built of them.

Sizes that a network is built with come from settings; held against the arrays that are there, they
can ask for no more memory than the file has bytes.
"""

from __future__ import annotations

from textcnn.persistence.archive import FileFormatError
from textcnn.text.joining import JoinedTokenizer

_KINDS = ("binary", "multiclass", "multilabel", "continuous", "multioutput")
# Networks whose layers' sizes are settings; those of others come with their code.
_OURS = (None, "bigru", "simple", "residual")
_LOSSES = ("binary_crossentropy", "categorical_crossentropy", "squared", "absolute", "poisson")


def check_head(head) -> None:
    """Refuse a target whose kind, loss and outputs do not go together."""
    if head.kind not in _KINDS or head.loss not in _LOSSES or head.output not in ("proba", "logit"):
        raise FileFormatError(f"Its target is of an unknown kind: {head.kind!r}, {head.loss!r}.")
    named = {
        "binary": 2 if head.n_outputs == 1 else 0,
        "multiclass": head.n_outputs,
        "multilabel": head.n_outputs,
    }.get(head.kind)
    if named is not None and (head.classes is None or len(head.classes) != named):
        raise FileFormatError("The classes of its target do not fit its outputs.")
    if head.n_outputs < 1 or (head.kind == "continuous" and head.n_outputs != 1):
        raise FileFormatError("The outputs of its target do not fit its kind.")


def check_columns(estimator) -> None:
    """Refuse an estimator whose columns are not those that its parts read."""
    names = getattr(estimator, "feature_names_in_", None)
    n_columns = getattr(estimator, "n_features_in_", 1)
    if n_columns < 1 or (names is not None and names.shape != (n_columns,)):
        raise FileFormatError("The names of its columns do not fit their number.")
    readers = [network.readers for networks in _networks(estimator) for network in networks[:1]]
    if not hasattr(estimator, "_is_joined") or not readers:
        return
    is_joined = bool(readers[0]) and isinstance(readers[0][0].tokenizer, JoinedTokenizer)
    n_read = len(readers) if hasattr(estimator, "get_feature_names_out") else len(readers[0])
    if estimator._is_joined != is_joined or n_read != (1 if is_joined else n_columns):
        raise FileFormatError("Its columns do not fit its networks.")


def check_models(estimator) -> None:
    """Refuse fold models that cannot predict, such as a pipeline whose last step is none."""
    for models in getattr(estimator, "_models", ()):
        if not models or any(not hasattr(fold.estimator, fold.method) for fold in models):
            raise FileFormatError("A model of it cannot predict.")


def _networks(estimator) -> list:
    """Return the networks of text columns."""
    networks = getattr(estimator, "_networks", [])
    return networks if all(hasattr(network, "readers") for n in networks for network in n) else []


def check_table(features) -> None:
    """Refuse a table stage whose columns and members are not those that it says."""
    parts = vars(features)
    named = ("_kept_numbers", "_member_numbers", "_text_numbers", "n_features_in_", "_row_hashes")
    if any(name not in parts for name in (*named, "_report", "text_columns_")):
        raise FileFormatError("It holds a TableFeatures that is not fitted.")
    own = [number for number in features._member_numbers if number is not None]
    numbers = [*features._kept_numbers, *own, *features._text_numbers]
    if any(not 0 <= number < features.n_features_in_ for number in numbers):
        raise FileFormatError("A column of TableFeatures is none of its table.")
    members = features._fitted_members
    if len(features._member_numbers) != len(members):
        raise FileFormatError("The members of TableFeatures do not fit its columns.")
    if len(features._text_numbers) != len(features.text_columns_):
        raise FileFormatError("The text columns of TableFeatures do not fit its table.")
    for fitted, number in zip(members, features._member_numbers, strict=True):
        read = fitted.joined or (fitted.column,)
        if (
            (number is None) != bool(fitted.joined)
            or not set(read) <= set(features.text_columns_)
            or not hasattr(fitted.encoder, "transform")
        ):
            raise FileFormatError("A member of TableFeatures makes no features of its columns.")


def check_network(network, head) -> None:
    """Refuse a network whose weights are not those that its settings ask for."""
    if network.n_outputs != head.n_outputs or network.loss != head.loss or not network.models:
        raise FileFormatError("A network does not fit its target.")
    for levelled in network.models:
        model, level = levelled.model, levelled.level
        for part in (level.offset, level.centre, level.scale):
            if part.shape != (head.n_outputs,):
                raise FileFormatError("The level of a model does not fit its target.")
        if len(model.names) != len(model.weights):
            raise FileFormatError("The weights of a model do not fit their names.")
        shapes = dict(zip(model.names, (array.shape for array in model.weights), strict=True))
        if hasattr(network, "readers"):
            _check_views(network, model.view)
        expected = _text_shapes(network) if _is_plain_text(network) else None
        if expected is not None and shapes != expected:
            raise FileFormatError("The weights of a model do not fit its settings.")
        _check_bounds(network.settings, shapes)


def _check_views(network, view) -> None:
    names = {f"known_{i}" for i in range(len(network.readers))}
    sizes = [reader.vocabulary.n_learned for reader in network.readers]
    shapes = {f"known_{i}": (size,) for i, size in enumerate(sizes)}
    if set(view) != names or any(
        view[name].shape != shapes[name] or view[name].dtype != bool for name in names
    ):
        raise FileFormatError("What a model knows does not fit its vocabulary.")


def _is_plain_text(network) -> bool:
    return hasattr(network, "readers") and network.settings.network is None


def _text_shapes(network) -> dict[str, tuple[int, ...]]:
    """Return the variables of the network of convolutions over words, by name."""
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
    """Refuse numbers of layers and sizes of layers that the weights are too few for."""
    if callable(settings.network) or settings.network not in _OURS:
        return
    largest = max((side for shape in shapes.values() for side in shape), default=0)
    for name in ("n_blocks", "n_convolutions", "depth"):
        if getattr(settings, name, 0) > max(4 * len(shapes), 20):
            raise FileFormatError(f"{name} does not fit the weights of a model.")
    widths = [getattr(settings, "n_filters", 0), *settings.dense_units]
    widths += [block.n_filters for block in getattr(settings, "blocks", ())]
    if any(not 0 <= width <= largest for width in widths):
        raise FileFormatError("The layers' sizes do not fit the weights of a model.")
