"""Images as rows of a network's input: decoded once if they fit in memory, else per batch."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from os import fspath

import numpy as np

from textcnn.image.columns import ImageColumn
from textcnn.image.files import (
    COLOR_MODES,
    BlankImageWarning,
    Contents,
    ImageError,
    decode_file,
    read_header,
    resize_array,
)
from textcnn.utils.threads import usable_threads

ON_ERROR = ("raise", "blank")
# Decoded images of a column are kept in memory up to this size; larger columns are read again in
# every epoch.
MAX_DECODED_BYTES = 2**30
# Mean and standard deviation of the pixels are computed on this many training rows, evenly spaced.
_ROWS_FOR_SCALING = 500
_POSITIONS_AT_A_TIME = 2**20
_FILES_AT_A_TIME = 256
# Pixels this many times as large as the largest in fit are in different units.
_OTHER_UNITS = 20


@dataclass(frozen=True)
class ImageSettings:
    """How cells are converted to pixels: the user's values, checked."""

    image_shape: tuple[int, ...] | None = None
    image_size: tuple[int, int] | None = None
    resize: str = "pad"
    color_mode: str = "auto"
    on_error: str = "raise"


class FileImages:
    """Cells that are decoded on request, in threads.

    Parameters
    ----------
    cells : list of path, ndarray or None
    shape : tuple of int
        Height, width and channels of every image.
    dtype : numpy dtype
        uint8 or float32.
    resize : {"pad", "stretch"}
    blank : bool
        Whether an image that cannot be read is black; :attr:`unreadable` keeps the reasons.
    contents : Contents, optional
        Bytes of the files that were already read.
    """

    def __init__(
        self,
        cells: list,
        shape: tuple[int, ...],
        dtype,
        resize: str,
        *,
        blank: bool,
        contents: Contents | None = None,
    ):
        self.cells = cells
        self._contents = contents
        self.shape = (len(cells), *shape)
        self.dtype = np.dtype(dtype)
        self._resize = resize
        self._blank = blank
        self.unreadable: dict[int, str] = {}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.cells)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the images of some rows."""
        decoded = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for position, image in enumerate(_threads().map(self._one, np.asarray(rows).tolist())):
            decoded[position] = image
        return decoded

    def decode_all(self) -> np.ndarray:
        """Return all images; the error names every image that cannot be read."""
        decoded = np.empty(self.shape, self.dtype)
        reasons = []
        for start in range(0, len(self), _FILES_AT_A_TIME):
            rows = range(start, min(start + _FILES_AT_A_TIME, len(self)))
            for row, image in zip(rows, _threads().map(self._one_or_reason, rows), strict=True):
                if isinstance(image, ImageError):
                    reasons.append(str(image))
                else:
                    decoded[row] = image
        self.close()
        _raise_for(reasons, len(self))
        return decoded

    def close(self) -> None:
        """Forget the bytes of files; further images are read from the files."""
        if self._contents is not None:
            self._contents.forget()
        self._contents = None

    def _one(self, row: int) -> np.ndarray | int:
        """Return one image; black if it cannot be read and blank images are allowed."""
        try:
            return self._decode(self.cells[row], row)
        except ImageError as error:
            reason = f"row {row}: {error}"
            if not self._blank:
                raise ImageError(reason) from error
            self.unreadable[row] = reason
            return 0

    def _one_or_reason(self, row: int):
        try:
            return self._one(row)
        except ImageError as error:
            return error

    def _decode(self, cell, row: int) -> np.ndarray:
        height, width, channels = self.shape[1:]
        if cell is None:
            raise _missing()
        if isinstance(cell, np.ndarray):
            if cell.shape[-1] != channels:
                raise ImageError(
                    f"An image has {cell.shape[-1]} channel(s), others have {channels}. Convert "
                    "all to the same number."
                )
            return resize_array(cell, (height, width), self._resize)
        mode = next(name for name, count in COLOR_MODES.items() if count == channels)
        content = None if self._contents is None else self._contents.get(row)
        return decode_file(cell, (height, width), mode, self._resize, content)


@dataclass(frozen=True)
class ImageReader:
    """Converts the cells of a column to images of the shape found in fit."""

    shape: tuple[int, ...]  # ([frames,] height, width, channels)
    is_uint8: bool
    from_cells: bool
    resize: str
    on_error: str
    largest: float | None = None  # magnitude of a pixel in the array of fit; None is not known

    @classmethod
    def fit(cls, column: ImageColumn, settings: ImageSettings):
        """Find the shape of a column's images; return the reader and the images.

        Every file is opened, and decoded if the column fits in memory, so that unreadable files
        are reported before any training.
        """
        if column.pixels is not None:
            _refuse_parameters_of_cells(settings, column.pixels)
            pixels = column.pixels
            is_uint8, largest = pixels.dtype == np.uint8, _Units.of([pixels]).largest
            reader = cls(pixels.shape[1:], is_uint8, False, settings.resize, "raise", largest)
            return reader, pixels
        shape, is_uint8 = _common_shape(column, settings)
        units = _Units.of(column.cells)
        largest = None if units is None else units.largest
        reader = cls(shape, is_uint8, True, settings.resize, settings.on_error, largest)
        # A model learns nothing from unreadable files: in fit only missing cells may be blank.
        blank = [row for row, cell in enumerate(column.cells) if cell is None]
        if blank and settings.on_error == "blank":
            _warn_of_blanks(len(blank), len(column), _missing())
        elif blank:
            _raise_for([f"row {row}: {_missing()}" for row in blank], len(column))
        black = np.zeros(shape, np.uint8)
        cells = [black if cell is None else cell for cell in column.cells]
        return reader, reader._decoded(cells, column.contents, blank=False)

    def read(self, column: ImageColumn):
        """Return the images of new rows.

        Raises
        ------
        ValueError
            If their shape differs from that in fit, or (``on_error="raise"``) one cannot be read.

        Warns
        -----
        BlankImageWarning
            If some cannot be read and ``on_error="blank"``.
        """
        if column.pixels is None and self.from_cells:
            units = _Units.of(column.cells)
            if units is not None:
                self._check_units(units)
            return self._decoded(column.cells, column.contents, blank=self.on_error == "blank")
        if column.pixels is None or self.from_cells:
            raise ValueError(
                "The type of X differs from that in fit. Expected: "
                f"{'cells (paths or arrays)' if self.from_cells else 'an array'} as in fit. "
                f"Received: {'cells' if column.pixels is None else 'an array'}."
            )
        if column.pixels.shape[1:] != self.shape:
            shape = column.pixels.shape[1:]
            raise ValueError(
                f"The shape of the images differs from that in fit. Expected: {self.shape}. "
                f"Received: {shape}. {self._way_to_shape(shape)}"
            )
        self._check_units(_Units.of([column.pixels]))
        return column.pixels

    def _way_to_shape(self, shape) -> str:
        """Return what to type for images of another shape than in fit."""
        first_to_last = (*shape[:-3], *shape[-2:], shape[-3]) if len(shape) > 2 else ()
        last_to_first = (*shape[:-3], shape[-1], *shape[-3:-1]) if len(shape) > 2 else ()
        if first_to_last == self.shape:
            return "The channels come first: type np.moveaxis(X, -3, -1)."
        if last_to_first == self.shape:
            return "The channels come last: type np.moveaxis(X, -1, -3)."
        return "Resize them first, or fit on paths with image_size=."

    def _check_units(self, units: _Units) -> None:
        """Refuse pixels in other units than in fit."""
        knows_bytes = self.is_uint8 and self.largest != 1  # a mask of 0 and 1 may be of uint8
        received = f"Received: {units}."
        if knows_bytes and units.are_fractions:
            raise ValueError(
                "Images are in other units than in fit. Expected: integers from 0 to 255, "
                f"(255 * X).round().astype('uint8') for numbers from 0 to 1. {received}"
            )
        if self.largest is None or knows_bytes:
            return
        if units.largest > _OTHER_UNITS * max(self.largest, 1):
            raise ValueError(
                f"Images are in other units than in fit. Expected: numbers of up to about "
                f"{self.largest:g}, for example X / 255 if images were divided by 255. {received}"
            )
        if self.largest > _OTHER_UNITS and 0 < units.largest <= 1:
            raise ValueError(
                f"Images are in other units than in fit. Expected: numbers of up to about "
                f"{self.largest:g}, for example 255 * X. {received}"
            )

    def _decoded(self, cells: list, contents: Contents, *, blank: bool):
        """Return all images of a column, or an object that decodes them on request."""
        dtype = np.uint8 if self.is_uint8 else np.float32
        images = FileImages(cells, self.shape, dtype, self.resize, blank=blank, contents=contents)
        if images.dtype.itemsize * np.prod(images.shape) > MAX_DECODED_BYTES:
            images.close()
            return images
        decoded = images.decode_all()
        warn_of_unreadable(images)
        return decoded


class ImageSource:
    """Images as a :class:`~textcnn.neural.batches.RowSource`.

    A batch is two arrays: float32 images, not scaled, and float32 (n, 2, channels), the mean and
    the standard deviation of the training pixels, with which the network scales them.

    Parameters
    ----------
    images : ndarray or FileImages
        Shape (n_rows, [frames,] height, width, channels).
    """

    lengths = None

    def __init__(self, images):
        self.images = images
        positions = int(np.prod(images.shape[1:-1]))
        self.prediction_batch_size = int(np.clip(_POSITIONS_AT_A_TIME // positions, 1, 256))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.images)

    def view(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return mean and standard deviation of the pixels of these rows, float32 (2, channels)."""
        step = -(-len(rows) // _ROWS_FOR_SCALING)
        pixels = self.images[np.asarray(rows)[::step]]
        pixels = pixels.reshape(-1, pixels.shape[-1])
        spread = pixels.std(axis=0, dtype=np.float64)
        spread[spread == 0] = 1
        mean = pixels.mean(axis=0, dtype=np.float64)
        return {"scaling": np.stack([mean, spread]).astype(np.float32)}

    def gather(self, rows, view, policy) -> tuple[np.ndarray, np.ndarray]:
        """Return images and scaling of these rows."""
        scaling = np.broadcast_to(view["scaling"], (len(rows), *view["scaling"].shape))
        return self.images[rows].astype(np.float32), np.ascontiguousarray(scaling)

    def tables(self) -> dict[str, np.ndarray]:
        """Return no embedding tables: images have none."""
        return {}

    def like_new(self, rows, learn, random) -> ImageSource:
        """Return these rows as they are."""
        return ImageSource(_SomeImages(self.images, rows))


class _SomeImages:
    """Some rows of images, read when they are needed."""

    def __init__(self, images, rows: np.ndarray):
        self._images, self._rows = images, rows
        self.shape = (len(rows), *images.shape[1:])

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return some of the images."""
        return self._images[self._rows[rows]]


def warn_of_unreadable(images) -> None:
    """Warn how many images were replaced with blank ones; quote the first reason."""
    reasons = getattr(images, "unreadable", {})
    if reasons:
        _warn_of_blanks(len(reasons), len(images), reasons[min(reasons)])


def _warn_of_blanks(count: int, n_rows: int, reason) -> None:
    warnings.warn(
        f"{count} of {n_rows} images cannot be read and are replaced with blank images "
        f'(on_error="blank"). The first: {reason}',
        BlankImageWarning,
        stacklevel=6,
    )


def _missing() -> ImageError:
    return ImageError(
        "The image is missing. Drop the row, or use blank images for missing ones: "
        'on_error="blank".'
    )


def _refuse_parameters_of_cells(settings: ImageSettings, pixels: np.ndarray) -> None:
    """Refuse parameters about paths, and images of different sizes, that an array ignores."""
    default = ImageSettings()
    for name in ("image_size", "color_mode", "on_error"):
        value = getattr(settings, name)
        if value != getattr(default, name):
            raise ValueError(
                f"{name} is for paths, or a list of arrays. Received: {name}={value!r} and an "
                f"array of shape {pixels.shape}. Leave it out."
            )


@dataclass(frozen=True)
class _Units:
    """The dtype and range of the pixels of arrays."""

    dtype: np.dtype
    low: float
    high: float

    @classmethod
    def of(cls, cells) -> _Units | None:
        """Return the units of the arrays among some cells; None if there are none."""
        arrays = [cell for cell in cells if isinstance(cell, np.ndarray)]
        if not arrays:
            return None
        return cls(
            np.result_type(*{array.dtype for array in arrays}),
            min(float(array.min()) for array in arrays),
            max(float(array.max()) for array in arrays),
        )

    def __str__(self) -> str:
        """Return dtype and range, for messages."""
        return f"{self.dtype} from {self.low:g} to {self.high:g}"

    @property
    def largest(self) -> float:
        """The largest magnitude of a pixel."""
        return max(abs(self.low), abs(self.high))

    @property
    def are_fractions(self) -> bool:
        """Whether they are numbers from 0 to 1, or below 0."""
        return self.dtype.kind == "f" and (self.low < 0 or 0 < self.high <= 1)


def _raise_for(reasons: list[str], n_rows: int) -> None:
    """Raise one error that names every image that cannot be read, or the first ten."""
    if reasons:
        more = f"\n… and {len(reasons) - 10} more" if len(reasons) > 10 else ""
        shown = "\n".join(reasons[:10])
        raise ImageError(f"{len(reasons)} of {n_rows} images cannot be read:\n{shown}{more}")


def _common_shape(column: ImageColumn, settings: ImageSettings) -> tuple[tuple[int, ...], bool]:
    """Return the common shape of the images, and whether they are uint8; opens every file."""
    cells, contents = column.cells, column.contents
    rows = [row for row, cell in enumerate(cells) if cell is not None]
    if not rows:
        raise ImageError(f"All {len(cells)} images are missing. Expected: at least one image.")
    found, reasons = [], []
    headers = _threads().map(lambda row: _describe(cells[row], contents.get(row)), rows)
    for row, header in zip(rows, headers, strict=True):
        if isinstance(header, ImageError):
            reasons.append(f"row {row}: {header}")
        else:
            found.append(header)
    _raise_for(reasons, len(cells))
    sizes = {header[:2] for header in found}
    size = settings.image_size
    if size is None:
        if len(sizes) > 1:
            (first, second), at = sorted(sizes)[:2], [header[:2] for header in found]
            raise ValueError(
                "The images have different sizes. Expected: image_size=(height, width), to which "
                f"all are resized, for example image_size={_suggested(sizes)}. Received: "
                f"{len(sizes)} sizes, for example {first} in row {rows[at.index(first)]} and "
                f"{second} in row {rows[at.index(second)]}."
            )
        size = sizes.pop()
    return (*size, _channels(found, rows, settings.color_mode)), all(header[3] for header in found)


def _suggested(sizes) -> tuple[int, int]:
    return tuple(int(np.median(side)) for side in zip(*sizes, strict=True))


def _describe(cell, content: bytes | None):
    """Return (height, width, channels or colour mode, is uint8) of a cell, or its ImageError."""
    if isinstance(cell, np.ndarray):
        return (*cell.shape, cell.dtype == np.uint8)
    try:
        header = read_header(cell, content)
    except ImageError as error:
        return error
    return header.height, header.width, header.color_mode, True


def _channels(found, rows, color_mode: str) -> int:
    """Return the number of channels of all images."""
    kinds = [header[2] for header in found]
    first = kinds[0]
    if color_mode != "auto" and all(kind in COLOR_MODES for kind in kinds):
        return COLOR_MODES[color_mode]
    other = next((place for place, kind in enumerate(kinds) if kind != first), None)
    if other is not None:
        raise ValueError(
            "The images have different numbers of channels. Expected: the same number in all, or "
            'for files color_mode="rgb" or "grayscale", to which all are converted. Received: '
            f"{first} in row {rows[0]}, {kinds[other]} in row {rows[other]}."
        )
    if color_mode != "auto":
        raise ValueError(
            "color_mode is for image files only. Received: "
            f"color_mode={color_mode!r} and arrays of {first} channel(s). Leave it out."
        )
    return COLOR_MODES.get(first, first)


def hash_images(column: ImageColumn) -> np.ndarray:
    """Return a 64-bit hash per image, uint64 of shape (n_rows,); 0 for missing and black ones.

    The bytes of a file are hashed; for a file that cannot be opened, its path.
    """
    if column.pixels is not None:
        return np.fromiter(map(_hash, column.pixels), np.uint64, len(column))
    contents = column.contents
    hashes = _threads().map(
        lambda row: _hash(column.cells[row], contents.get(row)), range(len(column))
    )
    return np.fromiter(hashes, np.uint64, len(column))


def _hash(cell, content: bytes | None = None) -> int:
    from hashlib import blake2b

    if cell is None:
        return 0
    if isinstance(cell, np.ndarray):
        if not cell.any():
            return 0
        content = np.ascontiguousarray(cell).tobytes()
    elif content is None:  # the reader reports files that cannot be opened
        content = fspath(cell).encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little") | 1


@cache
def _threads() -> ThreadPoolExecutor:
    """Return this process's threads for decoding; Pillow releases the GIL while it decodes.

    They are started by the first image. A forked process has none of them, so it makes its own.
    """
    return ThreadPoolExecutor(min(8, usable_threads()), thread_name_prefix="images")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)
