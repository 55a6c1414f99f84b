"""Decode the images of a column in threads, on request or all at once; hash them."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import ThreadPoolExecutor
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
    resize_array,
)
from textcnn.utils.threads import usable_threads

_FILES_AT_A_TIME = 256


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
        images = decoding_threads().map(self._one, np.asarray(rows).tolist())
        for position, image in enumerate(images):
            decoded[position] = image
        return decoded

    def decode_all(self) -> np.ndarray:
        """Return all images; the error names every image that cannot be read."""
        decoded = np.empty(self.shape, self.dtype)
        reasons = []
        for start in range(0, len(self), _FILES_AT_A_TIME):
            rows = range(start, min(start + _FILES_AT_A_TIME, len(self)))
            images = decoding_threads().map(self._one_or_reason, rows)
            for row, image in zip(rows, images, strict=True):
                if isinstance(image, ImageError):
                    reasons.append(str(image))
                else:
                    decoded[row] = image
        self.close()
        raise_for(reasons, len(self))
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
            raise missing_image()
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


def hash_images(column: ImageColumn) -> np.ndarray:
    """Return a 64-bit hash per image, uint64 of shape (n_rows,); 0 for missing and black ones.

    The bytes of a file are hashed; for a file that cannot be opened, its path.
    """
    if column.pixels is not None:
        return np.fromiter(map(_hash, column.pixels), np.uint64, len(column))
    contents = column.contents
    hashes = decoding_threads().map(
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


def warn_of_unreadable(images) -> None:
    """Warn how many images were replaced with blank ones; quote the first reason."""
    reasons = getattr(images, "unreadable", {})
    if reasons:
        warn_of_blanks(len(reasons), len(images), reasons[min(reasons)])


def warn_of_blanks(count: int, n_rows: int, reason) -> None:
    """Warn how many images are replaced with blank ones, and why the first is."""
    warnings.warn(
        f"{count} of {n_rows} images cannot be read and are replaced with blank images "
        f'(on_error="blank"). The first: {reason}',
        BlankImageWarning,
        stacklevel=6,
    )


def missing_image() -> ImageError:
    """Return the error of a cell without an image."""
    return ImageError(
        "The image is missing. Drop the row, or use blank images for missing ones: "
        'on_error="blank".'
    )


def raise_for(reasons: list[str], n_rows: int) -> None:
    """Raise one error that names every image that cannot be read, or the first ten."""
    if reasons:
        more = f"\n… and {len(reasons) - 10} more" if len(reasons) > 10 else ""
        shown = "\n".join(reasons[:10])
        raise ImageError(f"{len(reasons)} of {n_rows} images cannot be read:\n{shown}{more}")


@cache
def decoding_threads() -> ThreadPoolExecutor:
    """Return this process's threads for decoding; Pillow releases the GIL while it decodes.

    They are started by the first image. A forked process has none of them, so it makes its own.
    """
    return ThreadPoolExecutor(min(8, usable_threads()), thread_name_prefix="images")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=decoding_threads.cache_clear)
