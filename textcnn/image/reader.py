"""Read the images of a column: their shape, found in fit, and their units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textcnn.image.columns import ImageColumn
from textcnn.image.decoding import (
    FileImages,
    decoding_threads,
    missing_image,
    raise_for,
    warn_of_blanks,
    warn_of_unreadable,
)
from textcnn.image.files import COLOR_MODES, Contents, ImageError, read_header

ON_ERROR = ("raise", "blank")
# Decoded images of a column are kept in memory up to this size; larger columns are read again in
# every epoch.
MAX_DECODED_BYTES = 2**30
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
            warn_of_blanks(len(blank), len(column), missing_image())
        elif blank:
            raise_for([f"row {row}: {missing_image()}" for row in blank], len(column))
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


def _common_shape(column: ImageColumn, settings: ImageSettings) -> tuple[tuple[int, ...], bool]:
    """Return the common shape of the images, and whether they are uint8; opens every file."""
    cells, contents = column.cells, column.contents
    rows = [row for row, cell in enumerate(cells) if cell is not None]
    if not rows:
        raise ImageError(f"All {len(cells)} images are missing. Expected: at least one image.")
    found, reasons = [], []
    headers = decoding_threads().map(lambda row: _describe(cells[row], contents.get(row)), rows)
    for row, header in zip(rows, headers, strict=True):
        if isinstance(header, ImageError):
            reasons.append(f"row {row}: {header}")
        else:
            found.append(header)
    raise_for(reasons, len(cells))
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
