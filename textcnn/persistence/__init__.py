"""Save and load fitted estimators as one file of JSON and NumPy arrays, without executable code.

Loading a file never runs code from it. Only NumPy is needed; classes are imported when a file names
them.
"""

from textcnn.persistence.archive import FORMAT_VERSION, FileFormatError
from textcnn.persistence.atomic import atomic_write
from textcnn.persistence.files import load, save
from textcnn.persistence.values import NotStored

__all__ = [
    "FORMAT_VERSION",
    "FileFormatError",
    "NotStored",
    "atomic_write",
    "load",
    "save",
]
