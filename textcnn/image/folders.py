"""Folders of images: one subfolder per class."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def load_class_folders(path: str | PathLike) -> tuple[np.ndarray, np.ndarray]:
    """List the images of a folder that contains one subfolder per class.

    Parameters
    ----------
    path : str or path-like
        Folder whose subfolders are the classes; their names are the labels. They are searched
        recursively. Only ``.bmp .gif .jpeg .jpg .png .tif .tiff .webp`` files are listed; hidden
        files and folders (names that start with a dot) are ignored.

    Returns
    -------
    paths : ndarray of str, shape (n_images,)
        Sorted by class and path: shuffle before a split by position.
    labels : ndarray of str, shape (n_images,)

    Raises
    ------
    ValueError
        If the folder does not exist, has fewer than two subfolders, or one of them has no image.

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
            "The folder does not exist. Expected: a folder that contains one subfolder of images "
            f"per class. Received: path={str(path)!r}."
        )
    classes = sorted(
        inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")
    )
    if len(classes) < 2:
        raise ValueError(
            "Expected at least two subfolders, one per class. Received: "
            f"{[inner.name for inner in classes]} in {str(path)!r}. Pass their parent folder."
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
                f"The class folder {str(inner)!r} contains no image. Expected: files with the "
                f"suffixes {', '.join(SUFFIXES)}. Add images, or delete the folder."
            )
        paths += found
        labels += [inner.name] * len(found)
    return np.array(paths), np.array(labels)


def _is_hidden(path: Path) -> bool:
    """Return whether a file or one of its parents is hidden, as metadata files of macOS are."""
    return any(part.startswith(".") for part in path.parts)
