"""Convert y from any container to NumPy columns and a mask of labelled rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import type_of_target

from textcnn.crossfit.messages import listed, name_rows
from textcnn.utils.frames import frame_columns, is_foreign, library_of, python_cells

_KIND_OF_TYPE = {
    "binary": "binary",
    "multiclass": "multiclass",
    "continuous": "continuous",
    "multilabel-indicator": "multilabel",
    "continuous-multioutput": "multioutput",
}
REGRESSION_LOSSES = ("squared", "absolute", "poisson")
CLASS_LOSSES = ("binary_crossentropy", "categorical_crossentropy")
_MANY_CLASSES = 50
_ROWS_PER_CLASS = 10
_FEWEST_QUANTITIES = 4
_MOST_NUMBERED = 10
# What str() and NumPy's arrays of strings make of missing values.
_MISSING_AS_TEXT = ("nan", "None", "<NA>", "NaT")


@dataclass(frozen=True, eq=False)
class Cells:
    """Targets of the labelled rows, and a mask of these rows."""

    values: np.ndarray  # (n_labelled,) or (n_labelled, n_targets)
    labelled: np.ndarray  # bool (n_rows,)
    names: tuple[str, ...]  # of the columns, if there are several


def has_columns(y) -> bool:
    """Return whether y has several columns, in any container."""
    shape = getattr(y, "shape", None)
    if shape is None and isinstance(y, list | tuple) and len(y):
        shape = (len(y), len(y[0])) if isinstance(y[0], list | tuple | np.ndarray) else None
    return shape is not None and len(shape) == 2 and shape[1] > 1


def read_cells(y, *, keep_columns: bool) -> Cells:
    """Read y; a single column of a table becomes one-dimensional unless ``keep_columns``."""
    columns, names, is_table = _columns(y)
    if is_table and len(columns) == 1 and not keep_columns:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape "
            "of y to (n_samples, ), for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
    read = [_read_column(column) for column in columns]
    present = np.stack([mask for _, mask in read], axis=1)
    labelled = present.any(axis=1)
    partly = np.flatnonzero(labelled & ~present.all(axis=1))
    if len(partly):
        raise ValueError(
            f"A row must have all of its targets or none. Received: {name_rows(partly)} with some "
            f"of {len(columns)} targets missing. Fill them, or make the whole row missing."
        )
    if len({values.dtype.kind in "OU" for values, _ in read}) > 1:
        raise ValueError(
            "Unknown label type: y mixes columns of strings and columns of numbers. Pass the "
            "columns one at a time, or all of them as numbers."
        )
    if len(columns) == 1 and not (is_table and keep_columns):
        return Cells(read[0][0], labelled, ())
    return Cells(np.stack([values for values, _ in read], axis=1), labelled, tuple(names))


def kind_of_values(values: np.ndarray, target_type: str) -> str:
    """Return the type of target of the labelled values; refuse values that do not match."""
    is_numeric = values.dtype.kind in "biuf"
    if target_type in ("continuous", "multioutput", "multilabel"):
        if not is_numeric:
            raise ValueError(
                f"target_type={target_type!r} needs numbers. Received: y of strings such as "
                f"{values.flat[0]!r}. Convert them (pandas.to_numeric), or omit target_type."
            )
        if target_type == "continuous" and values.ndim == 2:
            raise ValueError(_too_many_columns(values, target_type, "multioutput"))
        if target_type != "continuous" and values.ndim == 1:
            raise ValueError(
                f"target_type={target_type!r} needs y of shape (n_rows, n_targets). Received: one "
                "dimension. For one target use target_type='continuous' or 'binary'."
            )
        if target_type == "multilabel" and not np.isin(values, (0, 1)).all():
            other = values[~np.isin(values, (0, 1))][0]
            raise ValueError(
                "target_type='multilabel' needs columns of 0 and 1. "
                f"Received: a value {other}. For numbers use target_type='multioutput'."
            )
        return target_type
    inferred = _inferred(values)
    if target_type == "auto":
        if inferred not in _KIND_OF_TYPE:
            raise ValueError(
                f"Unknown label type: Target type was inferred to be {inferred!r}. Only "
                f"{listed(_KIND_OF_TYPE)} are supported. For several columns of integers "
                "pass target_type='multioutput'."
            )
        return _KIND_OF_TYPE[inferred]
    if values.ndim == 2:
        raise ValueError(_too_many_columns(values, target_type, "multilabel"))
    if inferred == "continuous":
        raise ValueError(
            f"Unknown label type: 'continuous'. Received: target_type={target_type!r} and y of "
            "numbers that are not integers. For regression use target_type='continuous' or a "
            "regressor."
        )
    return inferred if target_type == "classes" else target_type


def check_classes(classes: np.ndarray, counts: np.ndarray, kind: str, target_type: str) -> None:
    """Refuse an implausible number of classes, and empty strings as a class.

    Parameters
    ----------
    classes, counts : ndarray of shape (n_classes,)
        Sorted, and the number of rows of each.
    kind, target_type : str
    """
    n_labelled = int(counts.sum())
    _check_names_of_classes(classes, counts)
    is_numeric = classes.dtype.kind in "iuf"
    hint = quantity_hint(classes, target_type)
    if len(classes) < 2:
        raise ValueError(
            f"y has only one class: {classes.tolist()[0]!r} in all {n_labelled} rows with a "
            f"target. Expected at least two classes.{hint}"
        )
    if kind == "binary" and len(classes) > 2:
        raise ValueError(
            f"target_type='binary' needs two classes. Received: {len(classes)} classes "
            f"({listed(classes.tolist(), 5)}). Omit target_type, or use 'multiclass'."
        )
    crowded = len(classes) > _MANY_CLASSES and n_labelled < _ROWS_PER_CLASS * len(classes)
    if crowded and target_type == "auto":
        what = "numbers" if is_numeric else "values"
        raise ValueError(
            f"y would have {len(classes)} classes with {n_labelled / len(classes):.1f} rows each "
            f"on average. Received: target_type={target_type!r} and y with {len(classes)} "
            f"different {what} (integers and strings are treated as classes).{hint} If these "
            "really are classes, pass target_type='multiclass'."
        )
    if target_type == "auto" and looks_like_quantities(classes):
        shown = listed(classes.tolist(), 5)
        warnings.warn(
            f"y has {len(classes)} different whole numbers ({shown}), which look like quantities, "
            "and each of them is treated as a class, without an order. Expected: a decision. "
            "Type target_type='continuous' if they are quantities (prices, counts, stars), or "
            "target_type='multiclass' if they are classes.",
            UserWarning,
            stacklevel=2,
        )


def _check_names_of_classes(classes: np.ndarray, counts: np.ndarray) -> None:
    """Refuse blank strings as a class; warn of the strings that missing values become."""
    n_rows = int(counts.sum())
    for name, count in zip(classes.tolist(), counts.tolist(), strict=True):
        if isinstance(name, str) and not name.strip():
            raise ValueError(
                f"y has empty strings in {count:,} of {n_rows:,} rows with a target, which would "
                "be a class without a name. Expected: None or NaN for missing targets, and a name "
                f"for each class. Received: {name!r}. Type pd.Series(y).replace({name!r}, None) "
                f'if they are missing, or .replace({name!r}, "none") if they are a class.'
            )
        if name in _MISSING_AS_TEXT:
            warnings.warn(
                f"y has the string {name!r} in {count:,} of {n_rows:,} rows with a target, which "
                "is a class now. Expected: None or NaN for missing targets; as strings they "
                f"are text. Type pd.Series(y).replace({name!r}, None) if they are missing.",
                UserWarning,
                stacklevel=3,
            )


def looks_like_quantities(classes: np.ndarray) -> bool:
    """Return whether sorted classes are more likely amounts than numbers of classes.

    Numbers of classes usually start at 0 and have no gaps. So 1 to 5 are stars, and 0 to 39 prices,
    because few targets have more than ten classes without names; 0, 1 and 2 are classes.
    """
    if classes.dtype.kind not in "iuf" or len(classes) < _FEWEST_QUANTITIES:
        return False
    are_numbered = np.array_equal(classes, np.arange(len(classes)))
    return not are_numbered or len(classes) > _MOST_NUMBERED


def quantity_hint(classes: np.ndarray, target_type: str = "auto") -> str:
    """Return advice for a numeric y that may be quantities, not classes."""
    if np.asarray(classes).dtype.kind not in "iuf":
        return ""
    if target_type == "classes":  # of a classifier, which has no parameter target_type
        return " If y is a quantity, use a regressor."
    return " If y is a quantity, pass target_type='continuous'."


def resolve_loss(loss: str, kind: str, values: np.ndarray) -> str:
    """Resolve the loss; refuse one that does not match the target."""
    if kind in ("binary", "multilabel", "multiclass"):
        expected = CLASS_LOSSES[kind == "multiclass"]
        if loss not in ("auto", expected):
            raise ValueError(
                f"A {kind} target needs loss={expected!r}. Received: loss={loss!r}. Omit "
                "it, or pass target_type='continuous' if y is a quantity."
            )
        return expected
    if loss in CLASS_LOSSES:
        raise ValueError(
            f"A {kind} target needs one of the losses {listed(REGRESSION_LOSSES)}. "
            f"Received: loss={loss!r}."
        )
    if loss == "poisson":
        if (values < 0).any():
            raise ValueError(
                f"loss='poisson' needs non-negative y. Received: a target of {values.min():g}. Use "
                "loss='squared' or 'absolute'."
            )
        if not values.any(axis=0).all():
            raise ValueError("loss='poisson' needs some y above 0. Received: only zeros.")
    return "squared" if loss == "auto" else loss


def _too_many_columns(values, target_type, other) -> str:
    return (
        f"target_type={target_type!r} needs one target. Received: y with {values.shape[1]} "
        f"columns. Pass one of them, or use target_type={other!r}."
    )


def _inferred(values: np.ndarray) -> str:
    """Return scikit-learn's ``type_of_target``, without its warning about many classes."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.filterwarnings("ignore", message="The number of unique classes")
        return type_of_target(values, input_name="y")


def _columns(y) -> tuple[list, list[str], bool]:
    """Return the columns of y, their names, and whether y is a table."""
    if issparse(y):
        y = y.toarray()
    if (frame := frame_columns(y)) is not None:
        return frame[1], [str(name) for name in frame[0]], True
    if isinstance(y, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        return [pd.Series(y)], [], False
    if is_foreign(y):
        return [y], [], False
    # NumPy would convert a list of "a" and 1 to strings; objects keep their types.
    array = np.asarray(y) if hasattr(y, "__array__") else np.array(list(y), dtype=object)
    if array.ndim == 1:
        return [array], [], False
    if array.ndim == 2 and array.shape[1]:
        return list(array.T), [str(i) for i in range(array.shape[1])], True
    raise ValueError(
        "Unknown label type: y must have the shape (n_rows,) or (n_rows, n_targets). "
        f"Received: shape {array.shape}."
    )


def _read_column(column) -> tuple[np.ndarray, np.ndarray]:
    """Return the non-missing values (bool, int, float or strings) and the mask of their rows."""
    if isinstance(column, pd.Series):
        present = column.notna().to_numpy()
        column = column[present]
        dtype = column.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            array = np.asarray(column)
        elif pd.api.types.is_numeric_dtype(dtype):  # bool too
            array = column.to_numpy(dtype=getattr(dtype, "numpy_dtype", None))
        else:
            array = column.to_numpy(dtype=object) if _holds_text(dtype) else column.to_numpy()
    else:
        array = column if isinstance(column, np.ndarray) else _from_series(column)
        present = np.asarray(pd.notna(array), dtype=bool)
        array = array[present]
    array = _checked(array)
    if array.dtype.kind == "f" and np.isinf(array).any():
        rows = np.flatnonzero(present)[np.isinf(array)]
        raise ValueError(
            "Input y contains infinity or a value too large for dtype('float64'). "
            f"Received: infinity in {name_rows(rows)}."
        )
    return array, present


def _holds_text(dtype) -> bool:
    return pd.api.types.is_string_dtype(dtype) or pd.api.types.is_object_dtype(dtype)


def _from_series(column) -> np.ndarray:
    """Convert polars and Arrow columns; those with nulls or text become objects."""
    is_polars = library_of(column) == "polars"
    if is_polars and column.dtype.is_numeric() and column.null_count() == 0:
        return column.to_numpy()
    return np.array(python_cells(column), dtype=object)


def _checked(array: np.ndarray) -> np.ndarray:
    """Convert cells to bool, int, float or strings, or raise an error."""
    kind = array.dtype.kind
    if kind in "biuU":
        return array
    if kind == "f" or not len(array):
        return array.astype(np.float64)
    if kind not in "OT":
        raise _refusal("bytes" if kind == "S" else str(array.dtype), array)
    array = array.astype(object)
    inferred = pd.api.types.infer_dtype(array, skipna=False)
    if inferred == "string":
        return array
    if inferred == "boolean":
        return array.astype(bool)
    if inferred == "integer" and all(-(2**63) <= value < 2**63 for value in array):
        return array.astype(np.int64)
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        return array.astype(np.float64)
    raise _refusal(inferred, array)


def _refusal(inferred: str, array: np.ndarray) -> Exception:
    """Return the error for cells that cannot be targets."""
    if inferred == "bytes":
        return TypeError(
            "Support for labels represented as bytes is not supported. Convert the labels to a "
            f"string or integer format. Received: y with {array[0]!r}."
        )
    if any(isinstance(cell, list | tuple | set | np.ndarray) for cell in array):
        return ValueError(
            "Unknown label type: y has lists in cells, or rows of different lengths. For several "
            "labels per row pass a table of 0 and 1 (for example from scikit-learn's "
            f"MultiLabelBinarizer). Received: {array[0]!r} in the first row."
        )
    if any(isinstance(cell, complex | np.complexfloating) for cell in array):
        return ValueError(f"Complex data not supported. Received: y with {array[0]!r}.")
    types = sorted({type(cell).__name__ for cell in array})
    if len(types) > 1:
        return ValueError(
            f"Unknown label type: y mixes cells of the types {' and '.join(types)}. Received for "
            f"example: {listed([next(c for c in array if type(c).__name__ == t) for t in types])}. "
            "Make them all numbers or all strings, e.g. y.astype(str)."
        )
    return ValueError(
        f"Unknown label type: {inferred!r}. Expected numbers or strings. Received: y with "
        f"{array[0]!r}."
    )
