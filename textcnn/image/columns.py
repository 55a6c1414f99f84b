"""Columns of images: converts every accepted container to arrays, or to cells with paths."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike

import numpy as np
import pandas as pd
from sklearn.utils.validation import validate_data

from textcnn.crossfit.messages import name_rows
from textcnn.image.files import Contents
from textcnn.utils.frames import frame_columns, is_column, library_of, python_cells

_ROWS_AT_A_TIME = 4096
_NUMBERS_OF_COLOURS = (1, 3, 4)
_MOST_COLOURS = 4


@dataclass(frozen=True, eq=False)
class ImageColumn:
    """One column of images.

    Attributes
    ----------
    name : str or None
    pixels : ndarray or None
        Shape (n_rows, [frames,] height, width, channels), any numeric dtype, all finite.
    cells : list or None
        Instead of ``pixels``: per row a path, an array, or None for a missing image.
    """

    name: str | None
    pixels: np.ndarray | None = None
    cells: list | None = None

    @cached_property
    def contents(self) -> Contents:
        """The bytes of the files, which are read once."""
        return Contents(self.cells)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.cells if self.pixels is None else self.pixels)

    def take(self, rows: np.ndarray) -> ImageColumn:
        """Return some rows as a column."""
        if self.pixels is not None:
            return replace(self, pixels=self.pixels[rows])
        return replace(self, cells=[self.cells[row] for row in rows])

    def label(self, number: int) -> str:
        """Return the name used in feature names and messages."""
        return self.name if self.name is not None else f"x{number}"


def takes_images(tags, image_shape):
    """Return an estimator's tags: cells may be paths, and X of many dimensions."""
    tags.input_tags.string = image_shape is None
    tags.input_tags.three_d_array = image_shape is None
    return tags


def read_image_columns(estimator, X, *, image_shape, reset: bool) -> list[ImageColumn]:
    """Validate the input of an estimator and return its columns of images.

    Parameters
    ----------
    estimator : estimator instance
        Its ``n_features_in_`` and ``feature_names_in_`` are set (``reset=True``) or checked.
    X : array, list, series or frame
        Numbers of shape (n, height, width), (n, height, width, channels) or (n, frames, height,
        width, channels); with ``image_shape`` rows of pixels; else columns of paths or of arrays.
    image_shape : tuple of int or None
        Shape of each row of pixels: (height, width), (height, width, channels) or (frames, height,
        width, channels); one entry may be -1.
    reset : bool
        True in ``fit``, False in every method after it.

    Raises
    ------
    ValueError, TypeError
        If X is none of these, contains NaN or infinity, or has no rows.
    """
    if image_shape is not None:
        return [_pixel_rows(estimator, X, image_shape, reset)]
    if isinstance(X, str | bytes | PathLike):
        raise TypeError(
            f"X is a single path. Received: X={X!r}. Expected a column of paths. Type [path] "
            "instead of path, or textcnn.datasets.load_class_folders(path) for a folder."
        )
    if library_of(X) not in ("pandas", "polars", "pyarrow") and hasattr(X, "__array__"):
        X = np.asarray(X)
    if isinstance(X, list | tuple) and _holds_numbers(X):
        X = np.asarray(X)
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUST":
        return [_image_array(estimator, X, reset)]
    return _columns_of_cells(estimator, X, reset)


def _pixel_rows(estimator, X, image_shape, reset) -> ImageColumn:
    """Read a table with one pixel per column."""
    rows = validate_data(
        estimator, X, dtype="numeric", ensure_all_finite=False, reset=reset, allow_nd=False
    )
    _check_finite(rows)
    n_pixels = rows.shape[1]
    known = math.prod(size for size in image_shape if size != -1)
    shape = tuple(n_pixels // known if size == -1 else size for size in image_shape)
    if math.prod(shape) != n_pixels:
        raise ValueError(
            f"image_shape does not match the rows of X: it needs {math.prod(shape)} pixel values, "
            f"a row has {n_pixels}. Received: image_shape={tuple(image_shape)}, X of shape "
            f"{rows.shape}."
        )
    return ImageColumn("image", rows.reshape(len(rows), *_with_channels(shape)))


def _image_array(estimator, X, reset) -> ImageColumn:
    """Read an array with an image, or a sequence of images, per row."""
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported. Received: X of dtype {X.dtype}.")
    if X.dtype.kind not in "buif":
        raise ValueError(f"X must contain numbers or paths. Received: X of dtype {X.dtype}.")
    if X.ndim not in (3, 4, 5):
        raise ValueError(
            "Images as numbers are arrays of shape (n, height, width), (n, height, width, "
            "channels) or (n, frames, height, width, channels). "
            f"Received: X of shape {X.shape}. For rows of pixels pass their shape, for example "
            "image_shape=(28, 28). Reshape your data in the other cases: one image is X[None]."
        )
    if not X.size:
        raise ValueError(
            f"Found array with 0 sample(s) or images without pixels (shape={X.shape}) while a "
            "minimum of 1 is required. Expected at least one image with at least one pixel."
        )
    _check_finite(X)
    if reset:
        if X.ndim > 3:
            _check_channels_are_last(X.shape[-3:], f"X of shape {X.shape}")
        estimator.n_features_in_ = 1
        estimator.__dict__.pop("feature_names_in_", None)
    return ImageColumn("image", X[..., None] if X.ndim == 3 else X)


def _columns_of_cells(estimator, X, reset) -> list[ImageColumn]:
    """Read columns whose cells are paths or arrays."""
    names, columns = _take_apart(X)
    if not columns or not len(columns[0]):
        raise ValueError(
            f"Found array with {len(columns[0]) if columns else 0} sample(s) and "
            f"{len(columns)} feature(s) while a minimum of 1 is required."
        )
    header = np.empty((0, len(columns)))
    if names is not None:
        header = pd.DataFrame(columns=pd.Index(names, dtype=object, tupleize_cols=False))
    if not reset:
        validate_data(estimator, header, reset=False, skip_check_array=True)
    read = []
    for number, cells in enumerate(columns):
        name = names[number] if names is not None and isinstance(names[number], str) else None
        shown = name if name is not None else f"x{number}"
        cells = [_read_cell(cell, shown, row) for row, cell in enumerate(cells)]
        read.append(ImageColumn(name, cells=cells))
    if reset:
        for number, column in enumerate(read):
            for row, cell in enumerate(column.cells):
                if isinstance(cell, np.ndarray):
                    where = f"column {column.label(number)!r}, row {row}"
                    _check_channels_are_last(cell.shape, f"shape {cell.shape} in {where}")
        validate_data(estimator, header, reset=True, skip_check_array=True)
    return read


def _take_apart(X) -> tuple[list | None, list[list]]:
    """Return the names and the cells of the columns."""
    if (frame := frame_columns(X)) is not None:
        return frame[0], [python_cells(column) for column in frame[1]]
    if isinstance(X, pd.Series | pd.Index):
        return (None if X.name is None else [X.name]), [python_cells(X)]
    if is_column(X):
        name = getattr(X, "name", None)
        return ([name] if name else None), [python_cells(X)]
    if isinstance(X, pd.api.extensions.ExtensionArray):
        return None, [X.tolist()]
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return None, [column.tolist() for column in X.T]
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1):
        return None, [list(X)]
    raise TypeError(
        f"Unsupported type of X. Received: X of type {type(X).__name__}. Expected: an array "
        "(n, height, width[, channels]), or a list, array, series or frame of paths."
    )


def _read_cell(cell, shown: str, row: int):
    """Return a path, an array (height, width, channels), or None for a missing image."""
    if isinstance(cell, str | PathLike):
        return cell if str(cell) else None
    if isinstance(cell, np.ndarray) and cell.dtype.kind in "buif" and cell.ndim in (2, 3):
        if not cell.size:
            raise ValueError(f"An image has no pixels: column {shown!r}, row {row}.")
        if not np.isfinite(cell).all():
            raise ValueError(
                f"Input X contains NaN or infinity. Received: column {shown!r}, row {row}. Fill "
                "those pixels, or drop the row."
            )
        return cell[..., None] if cell.ndim == 2 else cell
    if cell is None or (pd.api.types.is_scalar(cell) and pd.isna(cell)):
        return None
    raise TypeError(
        "A cell is not an image. Expected: paths, or arrays of shape (height, width[, channels]). "
        f"Received: {type(cell).__name__} in column {shown!r}, row {row}. For rows of "
        "pixels pass their shape, for example image_shape=(28, 28)."
    )


def _holds_numbers(X) -> bool:
    """Return whether a list is a nested list of numbers, or of arrays of one shape."""
    if not len(X):
        return False
    if all(isinstance(cell, np.ndarray) for cell in X):
        return len({(cell.shape, cell.dtype) for cell in X}) == 1
    cell = X[0]
    while isinstance(cell, list | tuple) and len(cell):
        cell = cell[0]
    return isinstance(cell, int | float | np.number)


def _with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape, 1) if len(shape) == 2 else shape


def _check_channels_are_last(shape: tuple[int, ...], received: str) -> None:
    """Refuse images whose first side is as short as colours are many, and whose last is not."""
    if len(shape) == 3 and shape[0] in _NUMBERS_OF_COLOURS and min(shape[1:]) > _MOST_COLOURS:
        channels, height, width = shape
        raise ValueError(
            "Images seem to have their channels first. Expected: (height, width, channels), "
            f"{(height, width, channels)} here: np.moveaxis(X, -3, -1). Images of {channels} rows "
            f"and {width} channels are given as rows of pixels, with image_shape={shape}. "
            f"Received: {received}."
        )


def _check_finite(pixels: np.ndarray) -> None:
    """Raise for NaN and infinity and name the rows; works in chunks to save memory."""
    if pixels.dtype.kind != "f":
        return
    found, has_nan = [], False
    for start in range(0, len(pixels), _ROWS_AT_A_TIME):
        part = pixels[start : start + _ROWS_AT_A_TIME]
        finite = np.isfinite(part.reshape(len(part), -1)).all(axis=1)
        if not finite.all():
            found.append(np.flatnonzero(~finite) + start)
            has_nan = has_nan or bool(np.isnan(part).any())
    if found:
        what = "NaN" if has_nan else "infinity"
        raise ValueError(
            f"Input X contains {what}. Received: {what} in {name_rows(np.concatenate(found))}. "
            "Every pixel needs a finite number: fill them, or drop the rows."
        )
