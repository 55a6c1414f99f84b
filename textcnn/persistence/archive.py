"""The file format: an uncompressed zip whose manifest lists the size and sha256 of each member.

Members are not compressed, because weights hardly compress and decompression bombs are impossible:
a file is never larger in memory than on disk. All sizes and hashes are compared with the actual
bytes before anything is built from them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import re
import struct
import sys
import tokenize
import zipfile
from typing import BinaryIO

import numpy as np

FORMAT = "textcnn"
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
STATE = "state.json"

# More than any estimator of this package needs, but small enough to parse as JSON safely.
MAX_JSON_BYTES = 64 * 2**20
MAX_DIRECTORY_BYTES = 64 * 2**20
MAX_FILE_BYTES = 16 * 2**30
_MEMBER = re.compile(r"manifest\.json|state\.json|arrays/[0-9]{1,7}\.npy", re.ASCII)
_LONGEST_ARRAY_HEADER = 4096
_KINDS = "biufcSUmM"
_DATE = (1980, 1, 1, 0, 0, 0)  # a constant, so that equal estimators make equal files
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_LOCATOR_SIZE = 20
_DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    MemoryError,  # raised by the parser of array headers for deep nesting
    NotImplementedError,
    OverflowError,
    RecursionError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
)


class FileFormatError(ValueError):
    """A file is not an estimator that this version can load: damaged, newer, or of another kind."""


class ArchiveWriter:
    """Writes arrays, each distinct content once, and finally the manifest.

    Parameters
    ----------
    file : binary file
    """

    def __init__(self, file: BinaryIO):
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._members: dict[str, dict] = {}
        self._numbers: dict[str, int] = {}

    def add_array(self, array: np.ndarray) -> int:
        """Write an array, unless already written; return its number."""
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
        # Released before the buffer is: after an error, Python 3.13 reports the order of the two.
        with buffer.getbuffer() as content:
            digest = hashlib.sha256(content).hexdigest()
            if digest not in self._numbers:
                self._numbers[digest] = len(self._numbers)
                self._write(f"arrays/{self._numbers[digest]}.npy", content, digest)
        return self._numbers[digest]

    def __enter__(self) -> ArchiveWriter:
        """Return the writer."""
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Close the file; an earlier error is passed on to the caller."""
        if error is None:
            self._zip.close()
            return
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()

    def finish(self, state, description: dict) -> None:
        """Write the state (JSON values) and the manifest."""
        content = _to_json(state)
        self._write(STATE, content, hashlib.sha256(content).hexdigest())
        manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, **description}
        content = _to_json(manifest | {"members": self._members})
        for name, size in ((STATE, self._members[STATE]["bytes"]), (MANIFEST, len(content))):
            if size > MAX_JSON_BYTES:
                raise ValueError(
                    f"This estimator's {name} is too large for a file. Expected: at most "
                    f"{MAX_JSON_BYTES} bytes. Received: {size}. Use pickle instead."
                )
        self._zip.writestr(_info(MANIFEST), content)

    def _write(self, name: str, content, digest: str) -> None:
        self._zip.writestr(_info(name), content)
        self._members[name] = {"bytes": len(content), "sha256": digest}


class ArchiveReader:
    """Reads members, after all checks that do not need their content.

    Parameters
    ----------
    file : binary file
        Must allow ``seek``.

    Attributes
    ----------
    manifest : dict

    Raises
    ------
    FileFormatError
    """

    def __init__(self, file: BinaryIO):
        self._used: set[str] = set()
        self._arrays: dict[int, np.ndarray] = {}
        try:
            size = _checked_size(file)
            self._zip = zipfile.ZipFile(file)
            self._infos = {info.filename: info for info in self._zip.infolist()}
            _check_directory(self._zip.infolist(), size)
            if MANIFEST not in self._infos:
                raise FileFormatError(f"It contains no {MANIFEST}.")
            self.manifest = json.loads(self._read(MANIFEST))
        except FileFormatError:
            raise
        except _DAMAGE as error:
            raise FileFormatError(
                f"It is damaged, or not a zip file ({_reason(error)})."
            ) from error
        self._members = _check_manifest(self.manifest, self._infos)

    def state(self):
        """Return the state as JSON values."""
        try:
            return json.loads(self._checked(STATE))
        except FileFormatError:
            raise
        except _DAMAGE as error:
            raise FileFormatError(f"{STATE} is not valid JSON ({_reason(error)}).") from error

    def array(self, number: int) -> np.ndarray:
        """Return an array; the same one for the same number."""
        if number not in self._arrays:
            name = f"arrays/{number}.npy"
            if name not in self._members:
                raise FileFormatError(f"It contains no {name}.")
            try:
                self._arrays[number] = _parse_array(self._checked(name))
            except FileFormatError as error:
                raise FileFormatError(f"{name}: {error}") from error
            except _DAMAGE as error:
                raise FileFormatError(f"{name} is not an array ({_reason(error)}).") from error
        return self._arrays[number]

    def check_all_used(self) -> None:
        """Refuse members that were not read."""
        unused = sorted(set(self._members) - self._used)
        if unused:
            raise FileFormatError(f"It contains unknown members: {unused[:3]}.")

    def _checked(self, name: str) -> bytearray:
        """Read a member and check its hash."""
        content = self._read(name)
        if hashlib.sha256(content).hexdigest() != self._members[name]["sha256"]:
            raise FileFormatError(f"{name} is damaged: its sha256 differs from the manifest.")
        self._used.add(name)
        return content

    def _read(self, name: str) -> bytearray:
        info = self._infos[name]
        if name in (MANIFEST, STATE) and info.file_size > MAX_JSON_BYTES:
            raise FileFormatError(
                f"{name} is too large. Expected: at most {MAX_JSON_BYTES} bytes. "
                f"Received: {info.file_size}."
            )
        content = bytearray(info.file_size)
        try:
            with self._zip.open(info) as member:
                n_read, view = 0, memoryview(content)
                while n_read < len(content):
                    n_more = member.readinto(view[n_read:])
                    if not n_more:
                        break
                    n_read += n_more
                member.read(1)  # zipfile checks the checksum at the end
        except _DAMAGE as error:
            raise FileFormatError(f"{name} is damaged ({_reason(error)}).") from error
        if n_read != len(content):
            raise FileFormatError(f"{name} is truncated.")
        return content


def _to_json(value) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.external_attr = 0o600 << 16
    return info


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"


def _checked_size(file: BinaryIO) -> int:
    """Return the file's size; refuse a file or a directory that is too large."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise FileFormatError(
            f"It is too large. Expected: at most {MAX_FILE_BYTES} bytes. Received: {size}."
        )
    if size < _END.size:
        raise FileFormatError(f"It is empty or truncated: {size} bytes.")
    file.seek(size - _END.size)
    signature, *_, directory_bytes, _, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment:
        raise FileFormatError("It is truncated, or was not written by textcnn.")
    start = size - _END.size - _END64_LOCATOR_SIZE - _END64.size
    if start >= 0:
        file.seek(start)
        signature, *_, directory_bytes64, _ = _END64.unpack(file.read(_END64.size))
        if signature == b"PK\x06\x06":
            directory_bytes = max(directory_bytes, directory_bytes64)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise FileFormatError(f"Its list of members is too large: {directory_bytes} bytes.")
    file.seek(0)
    return size


def _check_directory(infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse unexpected names, compression, encryption, and overlapping members."""
    seen: set[str] = set()
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        name = info.filename
        if not _MEMBER.fullmatch(info.orig_filename) or name in seen:
            raise FileFormatError(f"It contains a member with an unexpected name: {name[:80]!r}.")
        seen.add(name)
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1:
            raise FileFormatError(f"{name} is compressed or encrypted. Expected: stored members.")
        if info.file_size != info.compress_size or info.header_offset < end:
            raise FileFormatError(f"The sizes of {name} are inconsistent.")
        end = info.header_offset + info.file_size
        if end > size:
            raise FileFormatError(f"{name} would be larger than the file.")


def _check_manifest(manifest, infos) -> dict[str, dict]:
    """Return the manifest's entries of members; refuse another format or version."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileFormatError("It was not written by textcnn.")
    version = manifest.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise FileFormatError(
            f"Its format version is unknown. Expected: 1 to {FORMAT_VERSION}. Received: "
            f"{str(version)[:40]}. A newer textcnn may load it: pip install --upgrade textcnn."
        )
    members = manifest.get("members")
    if not isinstance(members, dict) or set(members) | {MANIFEST} != set(infos):
        raise FileFormatError("Its members differ from its manifest.")
    for name, entry in members.items():
        if (
            not isinstance(entry, dict)
            or entry.get("bytes") != infos[name].file_size
            or not isinstance(entry.get("sha256"), str)
        ):
            raise FileFormatError(f"The size of {name} differs from the manifest.")
    return members


def _parse_array(content: bytearray) -> np.ndarray:
    """Make an array of the bytes of a .npy file, without copying them."""
    header = io.BytesIO(content[: _LONGEST_ARRAY_HEADER + 10])
    if np.lib.format.read_magic(header) != (1, 0):
        raise FileFormatError("Expected: .npy format of version 1.0.")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(
        header, max_header_size=_LONGEST_ARRAY_HEADER
    )
    start = header.tell()
    if dtype.hasobject or dtype.kind not in _KINDS or dtype.itemsize == 0:
        raise FileFormatError(f"Arrays of {dtype} are not supported.")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise FileFormatError(
            f"Its shape does not match its size. Expected: {len(content) - start} bytes of "
            f"{dtype}. Received: shape {shape}."
        )
    order = "F" if is_fortran else "C"
    array = np.ndarray(shape, dtype, buffer=content, offset=start, order=order)
    if dtype.kind == "U":
        characters = np.frombuffer(content, np.dtype("u4").newbyteorder(dtype.byteorder), -1, start)
        if characters.max(initial=0) > sys.maxunicode:
            raise FileFormatError("It contains invalid characters.")
    return array
