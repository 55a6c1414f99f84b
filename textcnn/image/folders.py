"""Folders of images: one folder per class."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def load_class_folders(path: str | PathLike) -> tuple[np.ndarray, np.ndarray]:
    """List the images of a folder that holds one folder per class.

    Parameters
    ----------
    path : str or path-like
        Its folders are the classes, their names the labels; images may lie in folders below them.
        Files of other suffixes than ``.bmp .gif .jpeg .jpg .png .tif .tiff .webp``, and what is
        hidden by a leading dot, are left out.

    Returns
    -------
    paths : ndarray of str, shape (n_images,)
        Sorted by class and path: shuffle before you split by order.
    labels : ndarray of str, shape (n_images,)

    Raises
    ------
    ValueError
        If there is no such folder, it holds fewer than two folders, or one of them no image.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from textcnn.datasets import load_class_folders
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("ants", "bees"):
    ...         Path(folder, name).mkdir()
    ...         Image.new("RGB", (4, 4)).save(Path(folder, name, "1.png"))
    ...     paths, labels = load_class_folders(folder)
    >>> labels.tolist(), Path(paths[0]).name
    (['ants', 'bees'], '1.png')
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ValueError(
            "There is no such folder. Expected: a folder that holds one folder of images per "
            f"class. Received: path={str(path)!r}."
        )
    classes = sorted(
        inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            "At least two folders are expected, one per class. Received: "
            f"{[inner.name for inner in classes]} in {str(path)!r}. Pass the folder above them."
        )
    paths, labels = [], []
    for inner in classes:
        found = sorted(
            str(file)
            for file in inner.rglob("*")
            if file.suffix.lower() in SUFFIXES and not _is_hidden(file.relative_to(folder))
        )
        if not found:
            raise ValueError(
                f"The class folder {str(inner)!r} holds no image. Expected: files of the "
                f"suffixes {', '.join(SUFFIXES)}. Put some there, or take the folder away."
            )
        paths += found
        labels += [inner.name] * len(found)
    return np.array(paths), np.array(labels)


def _is_hidden(path: Path) -> bool:
    """Tell whether a file or a folder above it is hidden, as macOS' copies of metadata are."""
    return any(part.startswith(".") for part in path.parts)
