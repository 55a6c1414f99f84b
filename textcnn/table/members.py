"""Members: encoders by name, set up for one column and a shared fold plan."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags

from textcnn.base.out_of_fold import OutOfFold
from textcnn.base.state import read_input
from textcnn.base.training_rows import InSampleWarning
from textcnn.crossfit import FoldPlan, Target
from textcnn.crossfit.feature_names import safe_name, safe_names
from textcnn.table.columns import JoinedTexts
from textcnn.table.static import StaticVectors
from textcnn.text.columns import TextColumn
from textcnn.text.hashes import hash_documents
from textcnn.text.learner import read_text_columns

# A sparse output with more columns is a bag of words, too wide for a table.
_MOST_COLUMNS = 1000


def _svd():
    """Return skrub's unsupervised string encoder."""
    try:
        from skrub import StringEncoder
    except ImportError as error:
        raise ImportError(
            f'The member "svd" is skrub\'s StringEncoder, which could not be imported: {error}. '
            "Type: pip install skrub; or omit it: "
            'TableFeatures(members=("linear", "cnn")).'
        ) from error
    return StringEncoder()


def _counts():
    from textcnn.table.counts import TextCounts

    return TextCounts()


def _static():
    return StaticVectors()


def _sentence():
    """Return skrub's encoder of sentence-transformers models."""
    try:
        import skrub
    except ImportError as error:
        raise _missing_sentences(error) from error
    # Called TextEncoder before skrub 0.10.
    form = getattr(skrub, "LLMEncoder", None) or skrub.TextEncoder
    if importlib.util.find_spec("sentence_transformers") is None:
        raise _missing_sentences("No module named 'sentence_transformers'")
    return form()


def _missing_sentences(reason) -> ImportError:
    return ImportError(
        'The member "sentence" is skrub\'s encoder of sentence-transformers models, which could '
        f"not be imported: {reason}. Type: pip install 'textcnn[sentence]'; or use \"static\", "
        "which needs no network: pip install 'textcnn[vectors]'."
    )


def _linear():
    from textcnn.text_linear import TextLinearEncoder

    return TextLinearEncoder()


def _network(**parameters) -> Callable:
    def make():
        from textcnn.text_cnn import TextCNNEncoder

        return TextCNNEncoder(**parameters)

    return make


def _images():
    from textcnn.image_cnn import ImageCNNEncoder

    return ImageCNNEncoder()


# In the order of cost, the cheapest first.
NAMED: dict[str, Callable] = {
    "counts": _counts,
    "svd": _svd,
    "static": _static,
    "linear": _linear,
    "sentence": _sentence,
    "cnn": _network(),
    "char_cnn": _network(level="char"),
    "bigru": _network(network="bigru"),
    "image_cnn": _images,
}


@dataclass(frozen=True)
class Member:
    """An unfitted encoder, with its rank by cost."""

    name: str
    encoder: Any
    cost: int
    reads_images: bool  # whether it encodes only columns of image files

    @property
    def joins_columns(self) -> bool:
        """Whether it reads all text columns of a table as one."""
        is_ours = isinstance(self.encoder, OutOfFold)
        return is_ours and getattr(self.encoder, "join_columns", False)


def _reads_images(encoder) -> bool:
    from textcnn.image_cnn import ImageCNNEncoder

    return isinstance(encoder, ImageCNNEncoder)


def entry_name(entry) -> str | None:
    """Return the name of an entry of ``members``, or None for an invalid entry."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, list | tuple):
        return entry[0] if len(entry) == 2 and isinstance(entry[0], str) else None
    if not hasattr(entry, "fit_transform") or isinstance(entry, type):
        return None
    if _reads_images(entry):
        return "image_cnn"
    if isinstance(entry, OutOfFold):
        return entry._feature_name
    return type(entry).__name__.lower()


def entry_encoder(entry):
    """Return an entry's encoder: a new one for a name, otherwise the given one."""
    if isinstance(entry, str):
        return NAMED[entry]()
    return entry[1] if isinstance(entry, list | tuple) else entry


def read_members(members, reserved: Sequence[str]) -> list[Member]:
    """Check ``members`` and return them in their order.

    Raises
    ------
    TypeError, ValueError
        If they are not a list of names, encoders and (name, encoder) pairs, or if a name is
        repeated or one of ``reserved``.
    ImportError
        If a member's package is missing.
    """
    known = ", ".join(f'"{name}"' for name in NAMED)
    expected = f"a list of names ({known}), encoders and (name, encoder) pairs"
    if isinstance(members, str) or not isinstance(members, list | tuple):
        raise TypeError(
            f"members must be {expected}. Received: members={members!r}."
            + (f" Type members=({members!r},)." if isinstance(members, str) else "")
        )
    if not members:
        raise ValueError(f"members is empty. Expected: {expected}. Received: members=().")
    found, seen = [], set()
    for entry in members:
        name = entry_name(entry)
        if name is None or (isinstance(entry, str) and name not in NAMED):
            raise ValueError(f"members must be {expected}. Received an entry: {entry!r}.")
        encoder = entry_encoder(entry)
        if not hasattr(encoder, "fit_transform") or isinstance(encoder, type):
            raise TypeError(
                f"Member {name!r} must be an encoder: an object with fit_transform and transform. "
                f"Received: {encoder!r}."
            )
        if not name or "__" in name or name in reserved:
            raise ValueError(
                "The name of a member must not be empty, contain two underscores or be a parameter "
                f"of TableFeatures. Received: {name!r}. Pass a (name, encoder) pair."
            )
        if name in seen:
            raise ValueError(
                f"Two members have the name {name!r}. Expected distinct names. Pass (name, "
                f"encoder) pairs. Received: members={members!r}."
            )
        seen.add(name)
        found.append(Member(name, encoder, _cost(name, encoder), _reads_images(encoder)))
    return found


@dataclass(frozen=True)
class MemberSettings:
    """Settings that all members of a fit share."""

    plan: FoldPlan
    target: Target  # with the plan's dropped classes left out
    y: Any
    shared: dict[str, Any]  # parameters that every out-of-fold member takes over
    n_jobs: int | None


@dataclass
class FittedMember:
    """A member fitted on one column."""

    column: str
    member: str
    encoder: Any
    names: list[str]  # of its features
    seconds: float
    is_supervised: bool
    notes: list[str] = field(default_factory=list)
    joined: tuple[str, ...] = ()  # names of joined columns

    def read(self, texts: dict[str, TextColumn]) -> TextColumn | JoinedTexts:
        """Return what this member reads of the columns of texts by their names."""
        if self.joined:
            return JoinedTexts([texts[name] for name in self.joined])
        return texts[self.column]

    def transform(self, text: TextColumn | JoinedTexts) -> np.ndarray:
        """Return the features of new rows, float32 of shape (n_rows, n_features)."""
        with warnings.catch_warnings():
            # TableFeatures has already warned about training rows.
            warnings.simplefilter("ignore", InSampleWarning)
            output = self.encoder.transform(as_input(self.encoder, text))
        return _matrix(output, self.member)


def fit_member(
    member: Member, text: TextColumn | JoinedTexts, settings: MemberSettings, seed: int
) -> tuple[FittedMember, np.ndarray]:
    """Fit a clone of a member on one column; return it with the features of the training rows."""
    started = time.perf_counter()
    encoder = _set_up(member.encoder, settings, seed)
    uses_targets = sees_targets(member)
    try:
        with warnings.catch_warnings():
            # Becomes a note of the report.
            warnings.filterwarnings("ignore", message="The matrix shape is")
            if isinstance(encoder, OutOfFold):
                output = _fit_by_plan(encoder, text, settings)
            elif uses_targets:
                output = encoder.fit_transform(as_input(encoder, text), settings.y)
            else:
                output = encoder.fit_transform(as_input(encoder, text))
        features = _matrix(output, member.name)
    except Exception as error:
        error.add_note(f"while fitting member {member.name!r} on column {text.name!r}")
        raise
    if not np.isfinite(features).all() and not isinstance(encoder, OutOfFold):
        raise ValueError(
            f"Member {member.name!r} made features of column {text.name!r} with NaN or infinity. "
            "Expected finite numbers for every cell, including empty ones."
        )
    names = _feature_names(encoder, text.name, member.name, features.shape[1])
    seconds = time.perf_counter() - started
    notes = _notes(encoder)
    joined = tuple(part.name for part in text.columns) if isinstance(text, JoinedTexts) else ()
    fitted = FittedMember(
        text.name, member.name, encoder, names, seconds, uses_targets, notes, joined
    )
    return fitted, features


def _fit_by_plan(encoder, text: TextColumn | JoinedTexts, settings: MemberSettings) -> np.ndarray:
    """Fit one of our encoders on a column that the table has read, by the shared plan."""
    plan, target = settings.plan, settings.target
    if type(encoder).fit_transform is not OutOfFold.fit_transform:  # a subclass has its own
        return encoder.fit_transform(
            as_input(encoder, text),
            settings.y,
            groups=plan.groups,
            sample_weight=plan.sample_weight,
            time=plan.time if plan.ordered else None,
        )
    if encoder._read_columns is read_text_columns:
        parts = text.columns if isinstance(text, JoinedTexts) else [text]
        names = np.array([part.name for part in parts], object)
        columns, inputs = [text], {"n_features_in_": len(parts), "feature_names_in_": names}
        hashes = [text.once("hashes", lambda: hash_documents(text))]
    else:
        columns, inputs = read_input(encoder, as_input(encoder, text))
        hashes = [encoder._hash_column(column) for column in columns]
    return encoder._fit_by_plan(columns, inputs, hashes, plan, target, settings.y)


def sees_targets(member: Member) -> bool:
    """Return whether a member uses y: those of this package do, and others with a ``cv``.

    Raises
    ------
    ValueError
        If it needs y but has no folds: features of training rows would leak their targets.
    """
    encoder = member.encoder
    if isinstance(encoder, OutOfFold):
        return True
    required = isinstance(encoder, BaseEstimator) and get_tags(encoder).target_tags.required
    if required and "cv" not in encoder.get_params(deep=False):
        raise ValueError(
            f"Member {member.name!r} learns from y and has no folds, so features of training rows "
            "would leak their own targets. Expected an encoder with cv=, or one that needs no y. "
            f"Received: {encoder!r}. Add a classifier or regressor: "
            "OutOfFoldEncoder(make_pipeline(encoder, LogisticRegression()))."
        )
    return required


def check_foreign(member: Member, *, all_labelled: bool, all_covered: bool) -> None:
    """Refuse another package's encoder that uses y but cannot follow the shared plan.

    Raises
    ------
    ValueError
        If rows have no target or no model predicts them: only encoders of this package can do that.
    """
    if isinstance(member.encoder, OutOfFold) or not sees_targets(member):
        return
    if not all_labelled or not all_covered:
        what = "rows without a target" if not all_labelled else "rows that no model predicts"
        raise ValueError(
            f"Member {member.name!r} cannot handle {what}, which this table has. Expected an "
            "encoder of this package, or a target and a fold for every row. "
            f"Received: {member.encoder!r}. Type OutOfFoldEncoder(make_pipeline(encoder, "
            "LogisticRegression()))."
        )


def _cost(name: str, encoder) -> int:
    """Return a member's rank by cost; encoders of the user come before networks."""
    feature_name = entry_name(encoder)
    order = list(NAMED)
    for known in (feature_name, name):
        if known in order:
            return 2 * order.index(known)
    return 2 * order.index("linear") + 1


def _set_up(encoder, settings: MemberSettings, seed: int):
    """Return a clone with the shared parameters, and with a seed if it has none."""
    encoder = clone(encoder, safe=False)
    if not hasattr(encoder, "get_params"):
        return encoder
    has = encoder.get_params(deep=False)
    changes: dict[str, Any] = {}
    if isinstance(encoder, OutOfFold):
        changes = dict(settings.shared)
    elif "cv" in has and get_tags(encoder).target_tags.required:
        changes = {"cv": settings.shared["cv"]}
    for name, value in (("random_state", seed), ("n_jobs", settings.n_jobs)):
        if name in has and has[name] is None:
            changes[name] = value
    return encoder.set_params(**changes)


def as_input(encoder, text: TextColumn | JoinedTexts):
    """Return a column as input of an encoder; missing cells are empty texts."""
    if isinstance(text, JoinedTexts):
        return pd.DataFrame({column.name: column.cells for column in text.columns}, dtype=object)
    series = pd.Series(text.cells, name=text.name, dtype=object)
    is_ours = isinstance(encoder, OutOfFold) and not hasattr(encoder, "estimator")
    if is_ours or _takes_one_dimension(encoder):
        return series
    return series.to_frame()


def _takes_one_dimension(encoder) -> bool:
    """Return whether an encoder needs a Series: vectorizers, and skrub's encoders."""
    if getattr(encoder, "__single_column_transformer__", False):
        return True
    if getattr(encoder, "steps", None):
        return _takes_one_dimension(encoder.steps[0][1])
    if hasattr(encoder, "estimator"):
        return _takes_one_dimension(encoder.estimator)
    return isinstance(encoder, BaseEstimator) and not get_tags(encoder).input_tags.two_d_array


def _matrix(output, name: str) -> np.ndarray:
    """Return an encoder's output as a dense float32 matrix."""
    if issparse(output):
        if output.shape[1] > _MOST_COLUMNS:
            raise ValueError(
                f"Member {name!r} returns a sparse matrix of {output.shape[1]} columns. Expected "
                f"at most {_MOST_COLUMNS}. Type make_pipeline(encoder, TruncatedSVD(30))."
            )
        output = output.toarray()
    matrix = output.to_numpy() if hasattr(output, "to_numpy") else np.asarray(output)
    matrix = matrix.reshape(len(matrix), -1)
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _feature_names(encoder, column: str, member: str, n_features: int) -> list[str]:
    """Return ``{column}_{member}``, with the encoder's own suffix if there are several."""
    own = [str(i) for i in range(n_features)]
    if hasattr(encoder, "get_feature_names_out"):
        own = [str(name) for name in encoder.get_feature_names_out()]
    prefixes = (column,)
    if isinstance(encoder, OutOfFold):
        kind = encoder._feature_name
        prefixes = (safe_name(f"{column}_{kind}"), kind)
    endings = []
    for name in own:
        prefix = next((p for p in prefixes if name == p or name.startswith(f"{p}_")), "")
        endings.append(name[len(prefix) :].lstrip("_"))
    if n_features == 1 and not isinstance(encoder, OutOfFold):
        endings = [""]
    return safe_names(
        f"{column}_{member}_{ending}" if ending else f"{column}_{member}" for ending in endings
    )


def _notes(encoder) -> list[str]:
    """Return notes of the report about a fitted member."""
    if type(encoder).__name__ == "StringEncoder" and not hasattr(encoder, "tsvd_"):
        return ["fewer n-grams or rows than components: n-gram counts instead of SVD"]
    return list(encoder.notes_) if isinstance(encoder, StaticVectors) else []
