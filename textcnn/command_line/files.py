"""Open tables: files, standard input and folders of parts, decompressed by their content."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import os
import stat
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import unquote

from textcnn.command_line.messages import BadInputError

FORMATS = ("csv", "jsonl", "parquet")
QUOTING = ("auto", "minimal", "none")
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# First bytes of compressed files, and the suffixes that ask for them.
_GZIP, _BZIP2, _XZ, _ZSTANDARD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"
COMPRESSIONS = {".gz": _GZIP, ".bz2": _BZIP2, ".xz": _XZ, ".zst": _ZSTANDARD, ".zip": b"PK\3\4"}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins with the mark of UTF-16, so it comes before it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class TableFormat:
    """How a table is written in its file; None is decided by the file's name and content."""

    format: str | None = None
    sep: str | None = None
    quoting: str = "auto"
    encoding: str | None = None
    decimal: str = "."

    def kind(self, path: str) -> str:
        """Return ``"csv"``, ``"jsonl"`` or ``"parquet"``."""
        if self.format is not None:
            return self.format
        if path == "-":
            return "csv"
        found = SUFFIXES.get(_suffix(path))
        if found is None:
            raise BadInputError(
                f"unknown file format of {path!r}; expected a name in .csv, .tsv, .jsonl or "
                ".parquet (also compressed: .gz, .bz2, .xz, .zst, .zip), or --format"
            )
        return found

    def separator(self, path: str) -> str:
        """Return the separator that is given, or the usual one for the name and decimal point."""
        if self.sep is not None:
            return self.sep
        return "\t" if _suffix(path) in (".tsv", ".tab") else ";" if self.decimal == "," else ","


def _suffix(path: str) -> str:
    """Return the suffix of a file's name in lower case, before that of a compression."""
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


@dataclass(frozen=True)
class Part:
    """A file of a table, and the columns that the names of its folders give: ``year=2024/``."""

    path: str
    constants: Mapping[str, str | None]


def parts_of(path: str) -> list[Part]:
    """Return the files of a table: one, or those of a folder and its subfolders by name.

    Names that begin with ``.`` or ``_`` (of Spark and Hadoop) and empty files are left out.
    """
    folder = Path(path)
    if path == "-" or not folder.is_dir():
        return [Part(path, {})]
    parts = []
    for file in sorted(folder.rglob("*")):
        names = file.relative_to(folder).parts
        if any(name.startswith((".", "_")) for name in names) or not file.is_file():
            continue
        if file.stat().st_size:
            pairs = (name.partition("=") for name in names[:-1] if "=" in name)
            constants = {k: None if v == _NO_PARTITION else unquote(v) for k, _, v in pairs}
            parts.append(Part(str(file), constants))
    if not parts:
        raise BadInputError(f"the folder {path!r} contains no part of a table")
    return parts


def opened(path: str, files: contextlib.ExitStack) -> io.BufferedReader:
    """Open a file or standard input for reading, decompressed by its first bytes."""
    raw = sys.stdin.buffer if path == "-" else files.enter_context(open(path, "rb"))
    file = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
    start = file.peek(8)[:8]
    compressed = next((mark for mark in COMPRESSIONS.values() if start.startswith(mark)), None)
    if compressed is None:
        return file
    if compressed == _ZSTANDARD:
        stream = import_pyarrow("Zstandard files").CompressedInputStream(file, "zstd")
    elif compressed in (_GZIP, _BZIP2, _XZ):
        stream = {_GZIP: gzip, _BZIP2: bz2, _XZ: lzma}[compressed].open(file)
    else:
        stream = _only_member(file, path, files)
    return files.enter_context(io.BufferedReader(stream))


def _only_member(file, path: str, files: contextlib.ExitStack):
    """Open the only file of a zip archive."""
    try:
        archive = zipfile.ZipFile(file if file.seekable() else io.BytesIO(file.read()))
    except zipfile.BadZipFile as error:
        raise BadInputError(f"cannot read {path!r}: {error}") from error
    names = [name for name in archive.namelist() if not name.endswith("/")]
    names = [name for name in names if not name.startswith("__MACOSX/")]
    if "[Content_Types].xml" in names:
        raise BadInputError(f"{path!r} is an Excel file; save it as CSV UTF-8 in Excel")
    if len(names) != 1:
        raise BadInputError(
            f"the archive {path!r} contains {len(names)} files; expected one. Unpack it and name "
            "the file or the folder"
        )
    try:
        return files.enter_context(archive.open(names[0]))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:  # with a password
        raise BadInputError(f"cannot read {path!r}: {error}") from error


def as_text(file: io.BufferedReader, encoding: str | None) -> io.TextIOWrapper:
    """Decode a file by its byte order mark, as given, or as UTF-8.

    Invalid UTF-8 becomes surrogates, so that errors can name row and column.
    """
    start = file.peek(4)[:4]
    marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
    chosen = marked or encoding or "utf-8"
    errors = "surrogateescape" if codecs.lookup(chosen).name.startswith("utf-8") else "strict"
    return io.TextIOWrapper(file, chosen, errors=errors, newline="")


def import_pyarrow(what: str):
    """Import pyarrow, or raise an error that says how to install it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInputError(f"{what} need pyarrow: {error}. Type: pip install pyarrow") from error
    return pyarrow


def check_outputs(inputs: Sequence[str], outputs: Mapping[str, str | None]) -> None:
    """Refuse outputs that are read in the same run, and two outputs to one name.

    Parameters
    ----------
    inputs : sequence of str
        Files and folders; ``"-"`` is standard input.
    outputs : mapping of str to str or None
        Option → file; ``"-"`` is standard output.
    """
    seen: dict = {}
    for option, path in outputs.items():
        if path is None:
            continue
        this = _identity(path, sys.stdout)
        for source in inputs:
            if _is_folder(source) and path != "-":
                if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(source)):
                    raise BadInputError(
                        f"{option} {path} is in the folder that is read, {source}. Choose another "
                        "folder"
                    )
            elif this is not None and this == _identity(source, sys.stdin):
                raise BadInputError(
                    f"{option} {path} is a file that this run reads. Choose another name"
                )
        if this is not None and this in seen:
            raise BadInputError(f"{seen[this]} and {option} name the same file, {path}")
        for other, first in outputs.items():
            is_before = other in seen.values() and first is not None and _is_folder(first)
            if is_before and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(first)):
                raise BadInputError(f"{option} {path} is in the folder of {other}, {first}")
        seen[this] = option


def _is_folder(path: str) -> bool:
    return path != "-" and Path(path).is_dir()


def _identity(path: str, stream):
    """Return what two names of one file share, through links and redirection; None for devices."""
    try:
        status = os.fstat(stream.fileno()) if path == "-" else os.stat(path)
    except (OSError, ValueError, AttributeError):  # a new file, or a stream without a number
        return None if path == "-" else os.path.realpath(path)
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
