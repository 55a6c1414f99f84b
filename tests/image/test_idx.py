"""The IDX form of MNIST."""

import gzip
import struct

import numpy as np
import pytest

from textcnn.datasets import load_idx

CODES = {"uint8": 8, "int16": 11, "float32": 13}


def idx_bytes(array, code):
    shape = struct.pack(f">{array.ndim}i", *array.shape)
    return (
        bytes([0, 0, code, array.ndim])
        + shape
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("shape", [(24,), (2, 3, 4)], ids=["labels", "images"])
def test_arrays_come_back(tmp_path, dtype, compress, shape):
    array = np.arange(24).reshape(shape).astype(dtype)
    path = tmp_path / "images.idx"
    path.write_bytes(compress(idx_bytes(array, CODES[dtype])))
    read = load_idx(path)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == dtype and read.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"PNG and more of it", "not an IDX file"),
        (idx_bytes(np.zeros((2, 2), np.uint8), 8)[:-1], r"shape \(2, 2\) of uint8 needs 4 bytes"),
        (idx_bytes(np.zeros((2, 2), np.uint8), 7), "not an IDX file"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "labels.idx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_idx(path)
    assert "labels.idx" in str(caught.value)


def test_as_many_labels_as_mnist_has(tmp_path):
    labels = np.random.default_rng(0).integers(0, 10, 10_000, dtype=np.uint8)
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(labels, CODES["uint8"])))
    np.testing.assert_array_equal(load_idx(path), labels)
