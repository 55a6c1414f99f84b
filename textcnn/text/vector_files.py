"""Read files of word vectors in any of their formats; errors name the line."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

ACCEPTED = (
    "word2vec text or binary, GloVe text without a header (each also gzipped), "
    "or a file that gensim saved (KeyedVectors, Word2Vec, FastText)"
)
_GZIP = b"\x1f\x8b"
_HEAD_BYTES = 1 << 18
BLOCK_BYTES = 1 << 20
_LONGEST_WORD = 10_000
_LARGEST_DIM = 100_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_OTHER_FORMATS = {
    b"\x93NUMPY": (
        "a NumPy array, which contains no words",
        "Build `WordVectors(words, np.load(path))` and pass that instead",
    ),
    b"PK\x03\x04": (
        "a zip archive (.zip, .npz, .xlsx, .keras)",
        "Unpack it and pass one of the files in it",
    ),
    b"\x89HDF": ("an HDF5 file", "Export the vectors as word2vec text"),
    b"PAR1\x15": ("a Parquet file", "Export the vectors as word2vec text"),
    b"ARROW1\x00": ("an Arrow file", "Export the vectors as word2vec text"),
    b"BZh91AY&SY": ("compressed with bzip2", "Unpack it, or compress it with gzip"),
    b"\xfd7zXZ": ("compressed with xz", "Unpack it, or compress it with gzip"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "Unpack it, or compress it with gzip"),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8"),
    _GZIP: ("gzipped twice", "Unpack it once"),
    b"\xba\x16\x4f\x2f": (
        "a model of Facebook's fastText",
        "Pass `gensim.models.fasttext.load_facebook_vectors(path)`, or the corresponding .vec file",
    ),
}


def read_vectors_file(path: Path, *, allow_pickle: bool = True) -> tuple[list[str], np.ndarray]:
    """Read a file of word vectors in any of the supported formats.

    Text and binary files are read once: for 50,000 words of 100 numbers in gzipped text this takes
    a third of the time of gensim, which reads them twice, and errors can name the line. Files saved
    by gensim are read by gensim, memory-mapped if it wrote a separate ``.npy`` file.

    Parameters
    ----------
    path : Path
        An existing file.
    allow_pickle : bool, default=True
        Whether files saved by gensim are accepted. They are pickles: reading one runs code from
        it, so read only files that you trust.

    Returns
    -------
    words : list of str
        One word per row; words may be repeated.
    vectors : ndarray of shape (n_words, dim)
        float32 for text and binary files, any float type for those saved by gensim.

    Raises
    ------
    ValueError
        If the file is empty, damaged, of another format, or has a short or unreadable line, a
        wrong header, or numbers that are not finite.
    """
    try:
        with _open(path) as file:
            head = file.read(_HEAD_BYTES)
    except _DAMAGED as error:
        raise _damaged(path) from error
    _refuse_other_formats(path, head)
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        if not allow_pickle:
            raise ValueError(
                f"The vectors file {str(path)!r} is a pickle, and reading a pickle runs code from "
                "it. Expected word2vec text or binary here. If you trust the file, pass its "
                "path instead of the name of a data set."
            )
        return _read_gensim(path)
    header = _header(head)
    if header and not (header[0] > 0 and 0 < header[1] <= _LARGEST_DIM):
        raise ValueError(
            f"The vectors file {str(path)!r} has an invalid header. Expected a number "
            f"of words above 0 and a dimension from 1 to {_LARGEST_DIM}. "
            f"Received: {_shown(head.splitlines()[0])}."
        )
    if header is None:
        _dim_of_first_line(path, head.removeprefix(_BYTE_ORDER_MARK))
    read = _read_binary if header and _is_binary(head, header[1]) else _read_text
    try:
        words, vectors = read(path, header)
    except _DAMAGED as error:
        raise _damaged(path) from error
    return words, vectors


def keyed_vectors_of(model: object) -> object | None:
    """Return the gensim KeyedVectors of a KeyedVectors or a full model, None for other objects."""
    keyed_vectors = getattr(model, "wv", model)
    found = all(hasattr(keyed_vectors, name) for name in ("index_to_key", "key_to_index"))
    return keyed_vectors if found and hasattr(keyed_vectors, "vectors") else None


def _is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if _is_gzipped(path) else path.open("rb")


def _damaged(path: Path) -> ValueError:
    return ValueError(
        f"The vectors file {str(path)!r} is truncated or damaged: its gzip stream cannot be "
        "unpacked. Expected a complete .gz file; copy or download it again."
    )


def _refuse_other_formats(path: Path, head: bytes) -> None:
    if not head.strip():
        raise ValueError(
            f"The vectors file {str(path)!r} is empty. Expected {ACCEPTED}. "
            f"Received: {path.stat().st_size} bytes."
        )
    for magic, (what, advice) in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise ValueError(
                f"The file {str(path)!r} is not a supported vectors file: it is {what}. "
                f"Expected {ACCEPTED}. {advice}."
            )


def _header(head: bytes) -> tuple[int, int] | None:
    """Return (number of words, dim) when the first line is a word2vec header."""
    fields = head.removeprefix(_BYTE_ORDER_MARK).split(b"\n", 1)[0].split()
    digits = [field.decode() for field in fields if field.isdigit() and len(field) <= 12]
    return (int(digits[0]), int(digits[1])) if len(fields) == len(digits) == 2 else None


def _is_binary(head: bytes, dim: int) -> bool:
    """Return whether the header is followed by words and raw float32."""
    body = head.partition(b"\n")[2]
    numbers = body.split(b"\n", 1)[0].split(b" ")[1:]
    if len(numbers) > 1:
        numbers = numbers[:-1]  # the head may end inside the last one
    try:
        np.array(numbers, dtype=np.float64)
    except ValueError:
        pass
    else:
        if numbers:
            return False
    sample = body.lstrip(b"\n").partition(b" ")[2][: 4 * dim]
    if any(byte < 9 or 13 < byte < 32 for byte in sample):
        return True
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end < len(sample)
    return False


def _read_gensim(path: Path) -> tuple[list[str], np.ndarray]:
    from gensim.models import KeyedVectors

    compressed = _is_gzipped(path)
    if compressed and path.suffix != ".gz":
        raise ValueError(
            f"The vectors file {str(path)!r} was saved by gensim and gzipped, which gensim detects "
            "by the name. Expected a name ending in '.gz'; rename or unpack the file."
        )
    try:
        model = KeyedVectors.load(str(path), mmap=None if compressed else "r")
    except FileNotFoundError as error:
        raise ValueError(
            f"The vectors file {str(path)!r} is incomplete: gensim stored its table in a second "
            f"file, which is missing. Expected {error.filename!r}. Copy all files whose names "
            f"begin with {path.name!r} together."
        ) from error
    except Exception as error:  # unpickling can raise anything
        raise ValueError(
            f"The vectors file {str(path)!r} is a pickle that gensim cannot load "
            f"({type(error).__name__}: {error}). Expected {ACCEPTED}. Save the vectors again with "
            "`keyed_vectors.save_word2vec_format(path)` in the environment that wrote them."
        ) from error
    keyed_vectors = keyed_vectors_of(model)
    if keyed_vectors is None:
        raise ValueError(
            f"The file {str(path)!r} contains no word vectors. Expected {ACCEPTED}. "
            f"Received: a saved {type(model).__name__}."
        )
    return keyed_vectors.index_to_key, keyed_vectors.vectors


def _read_text(path: Path, header: tuple[int, int] | None) -> tuple[list[str], np.ndarray]:
    words: list[str] = []
    blocks: list[np.ndarray] = []
    dim = header[1] if header else None
    first_line = 2 if header else 1
    with _open(path) as file:
        if header:
            file.readline()
        elif file.read(3) != _BYTE_ORDER_MARK:
            file.seek(0)
        n_blank = 0  # blank lines are allowed only at the end of the file
        for read_lines in iter(lambda: file.readlines(BLOCK_BYTES), []):
            lines = [b""] * n_blank + [line.rstrip(b" \r\n") for line in read_lines]
            n_lines = len(lines)
            while lines and not lines[-1]:
                lines.pop()
            n_blank = n_lines - len(lines)
            if not lines:
                continue
            if dim is None:
                dim = _dim_of_first_line(path, lines[0] + b"\n")
            block = _parse_lines(lines, dim)
            if block is None:
                block = _parse_carefully(path, lines, dim, first_line + len(words), header)
            words.extend(block[0])
            blocks.append(block[1])
            _check_block(path, block, first_line + len(words) - len(block[0]), "line")
    if header and header[0] != len(words):
        raise _wrong_count(path, header, f"the file has {len(words)}")
    return words, _joined(blocks, len(words), dim or 0)


def _dim_of_first_line(path: Path, head: bytes) -> int:
    line, end, _ = head.partition(b"\n")
    line = line.rstrip(b" \r")
    fields = line.split(b" ")
    cut = not end and len(head) >= _HEAD_BYTES - len(_BYTE_ORDER_MARK)
    if len(fields) < 2 or cut or not all(map(_is_number, fields[1:])):
        raise ValueError(
            f"The file {str(path)!r} does not look like word vectors: line 1 is neither a header "
            f"('number_of_words dim') nor a word followed by numbers, separated by spaces. "
            f"Expected {ACCEPTED}. Received: {_shown(line)}"
        )
    return len(fields) - 1


def _parse_lines(lines: list[bytes], dim: int) -> tuple[list[str], np.ndarray] | None:
    """Return words and numbers of well-formed lines; None if a line needs careful parsing."""
    pairs = [line.partition(b" ") for line in lines]
    if any(numbers.count(b" ") != dim - 1 for _, _, numbers in pairs):
        return None
    try:
        words = [_decoded(word) for word, _, _ in pairs]
        with np.errstate(over="ignore"):
            fields = b" ".join([numbers for _, _, numbers in pairs]).split(b" ")
            return words, np.array(fields, dtype=np.float32).reshape(len(lines), dim)
    except ValueError:
        return None


def _parse_carefully(
    path: Path, lines: list[bytes], dim: int, first_line: int, header: tuple[int, int] | None
) -> tuple[list[str], np.ndarray]:
    """Like `_parse_lines`, but for words with spaces (GloVe 840B); errors name the line."""
    words = []
    vectors = np.empty((len(lines), dim), dtype=np.float32)
    for row, line in enumerate(lines):
        number = first_line + row
        fields = line.rsplit(b" ", dim)
        n_numbers = len(line.split(b" ")) - 1
        in_word = fields[0].rsplit(b" ", 1)
        if len(fields) != dim + 1 or (len(in_word) == 2 and _is_number(in_word[1])):
            expected = f"Expected a word and {dim} numbers"
            if header and number == 2:
                expected = f"The header (line 1) says {dim}"
            raise ValueError(
                f"The vectors file {str(path)!r} cannot be read: line {number} has "
                f"{max(n_numbers, 0)} numbers. {expected}. Received: {_shown(line)}. "
                "Correct or remove that line, or download the file again."
            )
        bad = next((field for field in fields[1:] if not _is_number(field)), None)
        if bad is not None:
            raise ValueError(
                f"The vectors file {str(path)!r} cannot be read: line {number} has a value that "
                f"is not a number. Expected a word and {dim} numbers. Received: {_shown(bad)} in "
                f"{_shown(line)}."
            )
        words.append(_decoded(fields[0]))
        with np.errstate(over="ignore"):
            vectors[row] = np.array(fields[1:], dtype=np.float32)
    return words, vectors


def _read_binary(path: Path, header: tuple[int, int]) -> tuple[list[str], np.ndarray]:
    count, dim = header
    words: list[str] = []
    blocks: list[np.ndarray] = []
    with _open(path) as file:
        file.readline()
        buffer = b""
        while len(words) < count:
            chunk = file.read(BLOCK_BYTES * 16)
            buffer += chunk
            block, used = _parse_records(buffer, count - len(words), dim)
            buffer = buffer[used:]
            words.extend(block[0])
            blocks.append(block[1])
            _check_block(path, block, len(words) - len(block[0]) + 1, "word number")
            wordless = len(buffer) > _LONGEST_WORD and b" " not in buffer[:_LONGEST_WORD]
            if (not chunk and len(words) < count) or wordless:
                raise _wrong_count(
                    path, header, f"the file can be read only up to word number {len(words)}"
                )
        if (buffer + file.read(64)).strip(b"\r\n"):
            raise _wrong_count(path, header, "the file continues after them")
    return words, _joined(blocks, len(words), dim)


def _parse_records(
    buffer: bytes, n_most: int, dim: int
) -> tuple[tuple[list[str], np.ndarray], int]:
    """Return complete records (word, space, float32 × dim) of the buffer, and bytes used."""
    words, starts = [], []
    used = 0
    while len(words) < n_most:
        space = buffer.find(b" ", used)
        if space < 0 or space + 1 + 4 * dim > len(buffer):
            break
        words.append(_decoded(buffer[used:space].lstrip(b"\n")))
        starts.append(space + 1)
        used = space + 1 + 4 * dim
    vectors = np.empty((len(words), dim), dtype=np.float32)
    for row, start in enumerate(starts):
        vectors[row] = np.frombuffer(buffer, dtype="<f4", count=dim, offset=start)
    return (words, vectors), used


def _wrong_count(path: Path, header: tuple[int, int], found: str) -> ValueError:
    return ValueError(
        f"The vectors file {str(path)!r} has a wrong header: it says {header[0]} words "
        f"of {header[1]} numbers, but {found}. Expected a header that matches the content; "
        "download the file again, or correct its first line."
    )


def _check_block(path: Path, block: tuple[list[str], np.ndarray], first: int, unit: str) -> None:
    row = first_not_finite(block[1])
    if row is not None:
        raise ValueError(
            f"The vectors file {str(path)!r} has a number that is not finite in float32, in {unit} "
            f"{first + row} (word {block[0][row]!r}). Expected finite numbers; remove that word."
        )


def first_not_finite(vectors: np.ndarray) -> int | None:
    """Return the row of the first NaN or infinity; reads memory-mapped tables in blocks."""
    step = max(1, (1 << 22) // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        finite = np.isfinite(vectors[start : start + step])
        if not finite.all():
            return start + int(np.argmin(finite.all(axis=1)))
    return None


def _joined(blocks: list[np.ndarray], n_rows: int, dim: int) -> np.ndarray:
    """Concatenate blocks and free each after copying, to halve the peak memory."""
    table = np.empty((n_rows, dim), dtype=np.float32)
    start = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        table[start : start + len(block)] = block
        start += len(block)
    return table


def _decoded(word: bytes) -> str:
    """Return a word; bytes that are not UTF-8 become U+FFFD, so that it matches no text.

    word2vec.c cuts long words inside a character, and crawled text has broken ones.
    """
    return word.decode("utf-8", errors="replace")


def _is_number(field: bytes) -> bool:
    try:
        with np.errstate(over="ignore"):
            np.array([field], dtype=np.float32)
    except ValueError:
        return False
    return True


def _shown(line: bytes) -> str:
    text = line[:60].decode("utf-8", errors="replace")
    return repr(text + ("…" if len(line) > 60 else ""))
