"""Reads one image file with Pillow into an array of a given size; errors name the file."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from os import PathLike, fspath

import numpy as np

COLOR_MODES = {"grayscale": 1, "rgb": 3}
RESIZES = ("pad", "stretch")
# What Pillow's decoders raise for truncated or corrupt files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
# Bytes of files that are kept between looking at them and decoding them.
MAX_CONTENTS = 2**28
_WHITE = (255, 255, 255, 255)
_WHITE_OF_16_BITS = 65_535


class ImageError(ValueError):
    """An image that cannot be read; the message names the file or row and what to do."""


class BlankImageWarning(UserWarning):
    """Images that could not be read were replaced with blank images."""


class Contents:
    """The bytes of the files of a column, each read once as long as they fit in memory.

    Parameters
    ----------
    cells : list of path, ndarray or None
    """

    def __init__(self, cells: list):
        self._cells = cells
        self._kept: dict[int, bytes] = {}
        self._size = 0

    def get(self, row: int) -> bytes | None:
        """Return the bytes of a file; None for other cells, and if it cannot be opened."""
        if row in self._kept:
            return self._kept[row]
        cell = self._cells[row]
        if cell is None or isinstance(cell, np.ndarray):
            return None
        try:
            with open(cell, "rb") as file:
                content = file.read()
        except OSError:  # whoever decodes it says what is wrong
            return None
        if self._size + len(content) <= MAX_CONTENTS:
            self._kept[row] = content
            self._size += len(content)
        return content

    def forget(self) -> None:
        """Free the memory."""
        self._kept, self._size = {}, 0


@dataclass(frozen=True)
class Header:
    """Size and colour mode of an image file, after rotation to upright."""

    height: int
    width: int
    color_mode: str


def read_header(path: str | PathLike, content: bytes | None = None) -> Header:
    """Return size and colour mode of an image file without decoding it.

    Parameters
    ----------
    path : str or path-like
    content : bytes, optional
        The bytes of the file, if they are known.

    Raises
    ------
    ImageError
        If the file is missing, is not an image, or is larger than Pillow's limit.
    """
    from PIL import ExifTags

    with _Opened(path, content) as image:
        width, height = image.size
        if image.getexif().get(ExifTags.Base.Orientation, 1) >= 5:  # on its side
            width, height = height, width
        return Header(height, width, _color_mode(image))


def decode_file(
    path: str | PathLike,
    size: tuple[int, int],
    color_mode: str,
    resize: str,
    content: bytes | None = None,
) -> np.ndarray:
    """Return the first frame of an image file: upright, resized, transparent pixels on white.

    Parameters
    ----------
    path : str or path-like
    size : tuple of int
        Height and width in pixels.
    color_mode : {"grayscale", "rgb"}
    resize : {"pad", "stretch"}
        Keep the aspect ratio and add black borders, or stretch.
    content : bytes, optional
        The bytes of the file, if they are known.

    Returns
    -------
    ndarray of uint8, shape (height, width, 1 or 3)
        16-bit images are scaled to 8 bits.

    Raises
    ------
    ImageError
        If the file is missing, not an image, truncated, corrupt, or larger than Pillow's limit.
    """
    from PIL import ImageOps

    with _Opened(path, content) as image:
        if image.mode == "F":
            raise ImageError(
                f"The image in {fspath(path)!r} contains floating-point numbers, whose value for "
                "white is unknown. Read such files into an array, and pass the array."
            )
        # A JPEG can be decoded at a fraction of its size; height and width may be swapped later.
        image.draft(None, (max(size), max(size)))
        image = _flatten(ImageOps.exif_transpose(image), color_mode, path)
        array = np.asarray(_resized(image, size, resize))
    return array.reshape(*size, COLOR_MODES[color_mode])


def resize_array(array: np.ndarray, size: tuple[int, int], resize: str) -> np.ndarray:
    """Return an image (height, width, channels) resized, uint8 or float32 as before."""
    if array.shape[:2] == tuple(size):
        return array
    from PIL import Image

    dtype = np.uint8 if array.dtype == np.uint8 else np.float32
    channels = [
        _resized(Image.fromarray(np.ascontiguousarray(channel, dtype)), size, resize)
        for channel in np.moveaxis(array, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


class _Opened:
    """An image file opened by Pillow, whose errors are raised as ImageError."""

    def __init__(self, path, content: bytes | None = None):
        self._path, self._content = path, content

    def __enter__(self):
        from PIL import Image

        try:
            # An empty file is left to Pillow by its name, as what cannot be opened is.
            self._image = Image.open(BytesIO(self._content) if self._content else self._path)
        except (*_BROKEN, Image.DecompressionBombError) as error:
            raise _image_error(self._path, error) from error
        return self._image

    def __exit__(self, kind, error, traceback):
        from PIL import Image

        self._image.close()
        if isinstance(error, (*_BROKEN, Image.DecompressionBombError)):
            if isinstance(error, ImageError):
                return
            raise _image_error(self._path, error) from error


def _image_error(path, error) -> ImageError:
    """Return the error that says what is wrong with a file, and what to do."""
    from PIL import Image, UnidentifiedImageError

    shown = repr(fspath(path))
    if isinstance(error, FileNotFoundError):
        reason = (
            f"There is no file {shown}. Expected: absolute paths, or paths relative to the "
            "current directory"
        )
    elif isinstance(error, Image.DecompressionBombError):
        reason = (
            f"The image in {shown} is larger than Pillow's limit, which protects from "
            f"decompression bombs: {error} If you trust the file, raise PIL.Image.MAX_IMAGE_PIXELS"
        )
    elif isinstance(error, UnidentifiedImageError):
        with open(path, "rb") as file:
            start = file.read(8)
        reason = (
            f"{shown} is not an image that Pillow can read. Expected: JPEG, PNG, GIF or another "
            "format of Pillow, with at least one pixel. Received: a file that starts with "
            f"{start!r}"
        )
    elif isinstance(error, IsADirectoryError | PermissionError):
        reason = f"{shown} cannot be opened as a file. Received: {error.strerror}"
    else:
        reason = f"The image in {shown} is corrupt or truncated. Received from Pillow: {error}"
    return ImageError(reason.rstrip(".") + ".")


def _color_mode(image) -> str:
    """Return "grayscale" or "rgb"; a palette is grey if all of its colours are."""
    if image.mode == "P":
        palette = np.reshape(image.getpalette("RGB") or [0, 0, 0], (-1, 3))
        return "grayscale" if (palette == palette[:, :1]).all() else "rgb"
    is_grey = image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")
    return "grayscale" if is_grey else "rgb"


def _flatten(image, color_mode: str, path):
    """Return an image in 8 bits, without transparency, grey or RGB."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > _WHITE_OF_16_BITS:
            raise ImageError(
                f"The image in {fspath(path)!r} holds numbers whose black and white are not known. "
                f"Expected: 0 to {_WHITE_OF_16_BITS}, which are scaled to 8 bits. Received: "
                f"{values.min()} to {values.max()}. Read such files into an array, and pass the "
                "array."
            )
        image = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return image.convert("L" if color_mode == "grayscale" else "RGB")


def _resized(image, size: tuple[int, int], resize: str):
    """Return a Pillow image of this height and width."""
    from PIL import Image

    height, width = size
    if image.size == (width, height):
        return image
    if resize == "stretch":
        return image.resize((width, height), Image.Resampling.BILINEAR)
    top, left, inner_height, inner_width = box_within((image.height, image.width), size, resize)
    padded = Image.new(image.mode, (width, height))
    padded.paste(image.resize((inner_width, inner_height), Image.Resampling.BILINEAR), (left, top))
    return padded


def box_within(original: tuple[int, int], size: tuple[int, int], resize: str) -> tuple[int, ...]:
    """Return where an image is after resizing: top, left, height and width of its box.

    Parameters
    ----------
    original, size : tuple of int
        Height and width before and after.
    resize : {"pad", "stretch"}
    """
    if resize == "stretch":
        return (0, 0, *size)
    scale = min(side / before for side, before in zip(size, original, strict=True))
    height, width = (max(1, round(side * scale)) for side in original)
    return (size[0] - height) // 2, (size[1] - width) // 2, height, width
