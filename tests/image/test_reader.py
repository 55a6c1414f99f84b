"""Images from arrays, cells and files: one form, or an error that names the file or row."""

import multiprocessing
import threading
import warnings

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from PIL import Image
from sklearn.base import BaseEstimator

from textcnn.datasets import load_class_folders
from textcnn.image import decoding, files
from textcnn.image import reader as image_reader
from textcnn.image.columns import ImageColumn, read_image_columns
from textcnn.image.decoding import hash_images, warn_of_unreadable
from textcnn.image.files import BlankImageWarning, ImageError, decode_file, read_header
from textcnn.image.reader import ImageReader, ImageSettings
from textcnn.image.source import ImageSource
from textcnn.neural.backend import ShapePolicy

RANDOM = np.random.default_rng(0)
PHOTO = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (6, 9), dtype=np.uint8)
FREE = ShapePolicy(False, None)


def save(folder, name, array=PHOTO, **options):
    path = folder / name
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(path, **options)
    return str(path)


def read(X, **settings):
    """Return the reader and the images of the first column."""
    settings = ImageSettings(**settings)
    column = read_image_columns(BaseEstimator(), X, image_shape=settings.image_shape, reset=True)[0]
    return ImageReader.fit(column, settings)


# Arrays


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((4, 5, 6), (5, 6, 1)), ((4, 5, 6, 3), (5, 6, 3)), ((4, 2, 5, 6, 3), (2, 5, 6, 3))],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, bool])
def test_arrays_are_taken_as_they_are(shape, expected, dtype):
    X = RANDOM.integers(0, 2, shape).astype(dtype)
    reader, kept = read(X)
    assert reader.shape == expected
    assert reader.is_uint8 == (dtype is np.uint8)
    assert np.shares_memory(kept, X), "no copy"


def test_rows_of_pixels_get_their_shape():
    X = np.arange(60.0).reshape(5, 12)
    reader, kept = read(X, image_shape=(3, -1))
    assert reader.shape == (3, 4, 1)
    np.testing.assert_array_equal(kept[1, :, :, 0], X[1].reshape(3, 4))
    frame = pd.DataFrame(X.astype(np.uint8), columns=[f"pixel{i}" for i in range(12)])
    estimator = BaseEstimator()
    [column] = read_image_columns(estimator, frame, image_shape=(2, 2, 3), reset=True)
    assert column.pixels.dtype == np.uint8 and column.pixels.shape == (5, 2, 2, 3)
    assert estimator.n_features_in_ == 12 and column.label(0) == "image"


def test_a_batch_is_float_and_what_is_kept_is_not():
    X = RANDOM.integers(0, 256, (30, 4, 4, 2), dtype=np.uint8)
    source = ImageSource(read(X)[1])
    rows = np.array([3, 1, 20])
    view = source.view(np.arange(0, 30, 2))
    batch, scaling = source.gather(rows, view, FREE)
    assert batch.dtype == np.float32 and source.images.dtype == np.uint8
    np.testing.assert_array_equal(batch, X[rows])
    learnt = X[::2].reshape(-1, 2).astype(float)
    np.testing.assert_allclose(scaling[2], [learnt.mean(axis=0), learnt.std(axis=0)], rtol=1e-5)
    assert np.array_equal(source.view(np.array([0]))["scaling"].shape, (2, 2))


def test_what_a_model_knows_comes_from_its_own_rows():
    X = RANDOM.random((10, 4, 4))
    changed = X.copy()
    changed[5:] = 7
    mine, theirs = (
        ImageSource(read(array)[1]).view(np.arange(5))["scaling"] for array in (X, changed)
    )
    np.testing.assert_array_equal(mine, theirs)
    constant = ImageSource(np.zeros((3, 2, 2, 1))).view(np.arange(3))["scaling"]
    assert constant[:, 0].tolist() == [0, 1]


def test_large_images_are_predicted_few_at_a_time():
    sizes = [
        ImageSource(np.empty(shape, np.uint8)).prediction_batch_size
        for shape in [(2, 28, 28, 1), (2, 256, 256, 3), (2, 2048, 2048, 1)]
    ]
    assert sizes == [256, 16, 1]


def nan_in_rows(*rows):
    X = np.ones((6, 4, 4))
    X[list(rows), 0, 0] = np.nan
    return X


BAD_ARRAYS = {
    "NaN": (nan_in_rows(2, 4), {}, r"contains NaN.*NaN in rows 2, 4\. "),
    "infinite": (np.where(nan_in_rows(3) == 1, 1, np.inf), {}, "contains infinity.*row 3"),
    "no pixels": (np.empty((3, 0, 4)), {}, "without pixels"),
    "no rows": (np.empty((0, 4, 4)), {}, r"0 sample\(s\)"),
    "rows of numbers": (np.ones((3, 16)), {}, r"for example image_shape=\(28, 28\)"),
    "one row": (np.ones(16), {}, "Reshape your data"),
    "complex": (np.ones((3, 4, 4), complex), {}, "Complex data"),
    "dates": (np.zeros((3, 4, 4), "M8[D]"), {}, "numbers or paths"),
    "another shape": (np.ones((3, 15)), {"image_shape": (4, 4)}, "16 pixel values, a row has 15"),
    "size of an array": (np.ones((3, 4, 4)), {"image_size": (2, 2)}, "Leave it out"),
    "a list of numbers": ([[1, 2], [3, 4]], {}, "image_shape"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays_that_are_no_images_are_refused(name):
    X, settings, message = BAD_ARRAYS[name]
    with pytest.raises(ValueError, match=message):
        read(X, **settings)


def test_every_row_with_a_missing_pixel_is_named(monkeypatch):
    from textcnn.image import columns

    monkeypatch.setattr(columns, "_ROWS_AT_A_TIME", 2)
    with pytest.raises(ValueError, match=r"NaN in rows 1, 4\."):
        read(nan_in_rows(1, 4))


def test_new_images_must_be_like_those_of_fit():
    reader, _ = read(np.zeros((3, 4, 4), np.uint8))
    column = ImageColumn(None, pixels=np.ones((3, 5, 4, 1)))
    with pytest.raises(ValueError, match=r"Expected: \(4, 4, 1\). Received: \(5, 4, 1\)"):
        reader.read(column)
    with pytest.raises(ValueError, match="other units than in fit"):
        reader.read(ImageColumn(None, pixels=np.full((3, 4, 4, 1), 0.5)))
    with pytest.raises(ValueError, match="type of X differs"):
        reader.read(ImageColumn(None, cells=["a.png"]))


SIDE = np.linspace(0, 1, 16).reshape(1, 4, 4, 1)
UNITS = {
    "divided, then whole": (SIDE, (255 * SIDE).astype(np.uint8), "X / 255"),
    "standardised, then whole": (4 * SIDE - 2, (255 * SIDE).astype(np.uint8), "X / 255"),
    "booleans, then whole": (
        SIDE > 0.5,
        (255 * SIDE).astype(np.uint8),
        "up to about 1, for example X / 255",
    ),
    "a mask, then whole": ((SIDE > 0.5).astype(np.uint8), (255 * SIDE).astype(np.uint8), "X / 255"),
    "whole, then divided": ((255 * SIDE).astype(np.uint8), SIDE, r"\(255 \* X\)\.round"),
    "whole, then standardised": ((255 * SIDE).astype(np.uint8), 4 * SIDE - 2, "0 to 255"),
    "floats up to 255, then divided": (255 * SIDE, SIDE, r"for example 255 \* X"),
}


@pytest.mark.parametrize("name", UNITS)
def test_new_images_in_other_units_are_refused(name):
    known, new, message = UNITS[name]
    reader, _ = read(np.repeat(known, 3, axis=0))
    with pytest.raises(ValueError, match=f"other units than in fit.*{message}.*Received"):
        reader.read(ImageColumn(None, pixels=new))
    reader.read(ImageColumn(None, pixels=known))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (SIDE > 0.5, SIDE),  # what stands between no and yes
        (255 * SIDE, (255 * SIDE).astype(np.uint8)),
        (SIDE, np.zeros_like(SIDE)),
        ((255 * SIDE).astype(np.uint8), np.zeros_like(SIDE)),
        (SIDE, 5 * SIDE),
    ],
)
def test_other_numbers_in_the_same_units_are_read(known, new):
    reader, _ = read(np.repeat(known, 3, axis=0))
    np.testing.assert_array_equal(reader.read(ImageColumn(None, pixels=new)), new)


@pytest.mark.parametrize("shape", [(5, 3, 8, 8), (5, 1, 6, 9), (5, 2, 3, 8, 8)])
def test_channels_before_the_places_are_refused(shape):
    X = np.zeros(shape, np.uint8)
    channels, height, width = shape[-3:]
    with pytest.raises(ValueError, match="channels first.*np.moveaxis.*image_shape=") as caught:
        read(X)
    assert f"{(height, width, channels)} here" in str(caught.value)
    assert read(np.moveaxis(X, -3, -1))[0].shape == (*shape[1:-3], height, width, channels)
    reader, _ = read(X.reshape(5, -1), image_shape=shape[1:])
    assert reader.shape == shape[1:], "what was meant can be said"
    if len(shape) == 4:
        with pytest.raises(ValueError, match=r"channels first.*column 'x0', row 0"):
            read([*X[:2], X[0, :, :-1]])


def test_images_of_few_rows_and_few_channels_are_what_they_seem():
    for shape in [(5, 3, 9, 3), (5, 3, 4, 4), (5, 1, 20, 1), (5, 12, 12, 12)]:
        assert read(np.zeros(shape, np.uint8))[0].shape == shape[1:]


@pytest.mark.parametrize("value", [-5, 65_536])
def test_a_file_of_numbers_without_a_known_black_and_white_is_refused(tmp_path, value):
    path = save(tmp_path, "32 bit.tif", np.array([[3, value], [7, 9]], np.int32))
    with pytest.raises(ImageError, match=f"32 bit.tif.*Expected: 0 to 65535.*Received: .*{value}"):
        decode_file(path, (2, 2), "grayscale", "pad")


def decode_three(cells, said):
    said.put(
        ImageReader((6, 9, 1), True, True, "pad", "raise").read(ImageColumn(None, None, cells))
    )


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork beside threads
def test_a_forked_process_decodes_files_by_threads_of_its_own(tmp_path):
    cells = [save(tmp_path, f"{row}.png", GREY) for row in range(3)]
    _, expected = read(cells)  # the threads of this process have begun
    context = multiprocessing.get_context("fork")
    said = context.Queue()
    child = context.Process(target=decode_three, args=(cells, said), daemon=True)
    child.start()
    np.testing.assert_array_equal(said.get(timeout=60), expected)
    child.join()


# Columns of cells


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        pd.Index,
        polars.Series,
        pyarrow.array,
        lambda paths: np.array(paths, object),
        lambda paths: np.array(paths)[:, None],
        lambda paths: pd.DataFrame({"photo": paths}),
        lambda paths: pd.DataFrame({"photo": pd.array(paths, "string")}),
        lambda paths: polars.DataFrame({"photo": paths}),
        lambda paths: pyarrow.table({"photo": paths}),
    ],
)
def test_every_container_of_paths_is_one_column(make, tmp_path):
    paths = [save(tmp_path, f"{i}.png") for i in range(3)]
    estimator = BaseEstimator()
    [column] = read_image_columns(estimator, make(paths), image_shape=None, reset=True)
    assert column.cells == paths
    assert estimator.n_features_in_ == 1
    assert column.label(0) == ("photo" if hasattr(estimator, "feature_names_in_") else "x0")


def test_path_objects_and_missing_cells(tmp_path):
    path = tmp_path / "1.png"
    save(tmp_path, "1.png")
    for missing in (None, np.nan, pd.NA, ""):
        [column] = read_image_columns(
            BaseEstimator(), pd.Series([path, missing]), image_shape=None, reset=True
        )
        assert column.cells == [path, None]


def test_arrays_of_different_sizes_in_a_list():
    X = [PHOTO, PHOTO[:4], PHOTO[:, :5]]
    reader, kept = read(X, image_size=(6, 9))
    assert kept.dtype == np.uint8 and kept.shape == (3, 6, 9, 3)
    np.testing.assert_array_equal(kept[0], PHOTO)
    as_floats, _ = read([cell / 255 for cell in X], image_size=(6, 9))
    assert not as_floats.is_uint8
    np.testing.assert_array_equal(reader.read(ImageColumn(None, cells=X[:1]))[0], PHOTO)
    _, same = read([PHOTO, PHOTO[::-1]])
    assert same.shape == (2, 6, 9, 3), "arrays of one shape are one array"


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("image.png", TypeError, r"Type \[path\]"),
        ([PHOTO, GREY], ValueError, "different numbers of channels.*3 in row 0, 1 in row 1"),
        ([GREY, GREY[:3]], ValueError, r"different sizes[\s\S]*row 1"),
        ([GREY / 1.0, np.full((3, 3), np.nan)], ValueError, "contains NaN.*'x0', row 1"),
        ([GREY, np.empty((0, 3))], ValueError, "no pixels.*row 1"),
        (["a.png", 5], TypeError, "int in column 'x0', row 1"),
        (["a.png", b"b.png"], TypeError, "bytes in column 'x0', row 1"),
        ([None, None], ImageError, "All 2 images are missing"),
        ([], ValueError, r"0 sample\(s\)"),
        ({"photo": 1}, TypeError, "Unsupported type of X"),
    ],
)
def test_columns_that_hold_no_images_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        read(X)


# Files

FORMATS = {
    "colour.png": (PHOTO, {}, "rgb"),
    "colour.jpg": (PHOTO, {}, "rgb"),
    "grey.jpg": (GREY, {}, "grayscale"),
    "one bit.png": (Image.fromarray(GREY).convert("1"), {}, "grayscale"),
    "cmyk.jpg": (Image.fromarray(PHOTO).convert("CMYK"), {}, "rgb"),
    "palette.png": (Image.fromarray(PHOTO).convert("P", palette=Image.Palette.ADAPTIVE), {}, "rgb"),
    "grey palette.gif": (Image.fromarray(GREY), {}, "grayscale"),
    "alpha.png": (Image.fromarray(PHOTO).convert("RGBA"), {}, "rgb"),
    "grey alpha.png": (Image.fromarray(GREY).convert("LA"), {}, "grayscale"),
    "16 bit.png": (GREY.astype(np.uint16) * 257, {}, "grayscale"),
    "32 bit.tif": (GREY.astype(np.int32) * 257, {}, "grayscale"),
    "webp.webp": (PHOTO, {"lossless": True}, "rgb"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_becomes_bytes(name, tmp_path):
    array, options, color_mode = FORMATS[name]
    path = save(tmp_path, name, array, **options)
    header = read_header(path)
    assert (header.height, header.width, header.color_mode) == (6, 9, color_mode)
    decoded = decode_file(path, (6, 9), color_mode, "pad")
    expected = GREY[..., None] if color_mode == "grayscale" else PHOTO
    assert decoded.dtype == np.uint8 and decoded.shape == expected.shape
    if name in ("colour.png", "grey alpha.png", "16 bit.png", "32 bit.tif", "alpha.png"):
        np.testing.assert_array_equal(decoded, expected)
    elif name != "one bit.png":
        assert np.abs(decoded.astype(int) - expected).mean() < 60


def test_the_first_frame_counts_and_what_is_transparent_is_white(tmp_path):
    frames = [Image.new("L", (4, 4), level) for level in (10, 200)]
    path = save(tmp_path, "moving.gif", frames[0], save_all=True, append_images=frames[1:])
    assert (decode_file(path, (4, 4), "grayscale", "pad") == 10).all()
    glass = Image.new("RGBA", (4, 4), (9, 9, 9, 0))
    assert (decode_file(save(tmp_path, "g.png", glass), (4, 4), "rgb", "pad") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright(orientation, tmp_path):
    turned = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY, -1),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path, "turned.png", GREY, exif=exif)
    header = read_header(path)
    assert (header.height, header.width) == turned.shape
    np.testing.assert_array_equal(
        decode_file(path, turned.shape, "grayscale", "pad")[..., 0], turned
    )


def test_resizing_keeps_the_aspect_or_not(tmp_path):
    path = save(tmp_path, "white.png", np.full((10, 20), 255, np.uint8))
    padded = decode_file(path, (8, 8), "grayscale", "pad")[..., 0]
    assert (padded[2:6] == 255).all() and (padded[:2] == 0).all() and (padded[6:] == 0).all()
    assert (decode_file(path, (8, 8), "grayscale", "stretch") == 255).all()


def test_large_photographs_are_decoded_small(tmp_path):
    smooth = np.add.outer(np.arange(800) // 8, np.arange(1200) // 8).astype(np.uint8)
    path = save(tmp_path, "large.jpg", smooth, quality=95)
    decoded = decode_file(path, (40, 60), "grayscale", "stretch")[..., 0]
    expected = smooth.reshape(40, 20, 60, 20).mean(axis=(1, 3))
    assert np.abs(decoded - expected).max() < 4


def test_one_size_and_colour_for_all(tmp_path):
    paths = [save(tmp_path, "1.png", PHOTO), save(tmp_path, "2.png", GREY)]
    with pytest.raises(ValueError, match="rgb in row 0, grayscale in row 1"):
        read(paths)
    reader, kept = read(paths, color_mode="rgb")
    np.testing.assert_array_equal(kept[1], np.repeat(GREY[..., None], 3, axis=2))
    assert read(paths, color_mode="grayscale")[0].shape == (6, 9, 1)
    paths.append(save(tmp_path, "3.png", PHOTO[:3]))
    with pytest.raises(
        ValueError, match=r"image_size=.*Received: 2 sizes, for example \(3, 9\) in row 2"
    ):
        read(paths, color_mode="rgb")
    assert read(paths, color_mode="rgb", image_size=(5, 7))[0].shape == (5, 7, 3)
    assert reader.read(ImageColumn(None, cells=paths)).shape == (3, 6, 9, 3)


def broken_files(folder):
    """Return paths of files that cannot be read, by what is wrong with them."""
    whole = folder / "whole.jpg"
    noise = RANDOM.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    save(folder, "whole.jpg", noise)
    content = whole.read_bytes()
    (folder / "truncated.jpg").write_bytes(content[: len(content) // 2])
    save(folder, "whole.png", noise)
    content = (folder / "whole.png").read_bytes()
    (folder / "truncated.png").write_bytes(content[: len(content) // 2])
    (folder / "broken.png").write_bytes(content[:60] + b"\0" * 40 + content[100:])
    (folder / "text.jpg").write_text("this is a text")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "no pixels.pgm").write_bytes(b"P5 0 5 255\n")
    (folder / "folder.jpg").mkdir()
    save(folder, "float.tif", np.ones((4, 4), np.float32))
    return {
        "missing.jpg": "no file",
        "truncated.jpg": "corrupt or truncated",
        "truncated.png": "corrupt or truncated",
        "broken.png": "corrupt or truncated",
        "text.jpg": "not an image that Pillow can read.*this is",
        "empty.jpg": "not an image that Pillow can read",
        "no pixels.pgm": "at least one pixel",
        "folder.jpg": "cannot be opened",
        "float.tif": "floating-point",
    }


def test_every_file_that_cannot_be_read_is_named_before_training(tmp_path):
    good = save(tmp_path, "good.png", np.zeros((200, 200, 3), np.uint8))
    for name, message in broken_files(tmp_path).items():
        with pytest.raises(ImageError, match=message) as caught:
            read([good, str(tmp_path / name)], image_size=(8, 8), color_mode="rgb")
        assert name in str(caught.value) and "row 1" in str(caught.value)
    both = [str(tmp_path / name) for name in ("text.jpg", "missing.jpg")]
    with pytest.raises(ImageError, match=r"2 of 3[\s\S]*text.jpg[\s\S]*missing.jpg"):
        read([good, *both])


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    good = save(tmp_path, "good.png", np.zeros((4, 4, 3), np.uint8))
    bomb = save(tmp_path, "bomb.png", np.zeros((50, 50, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="decompression bombs.*exceeds limit[\\s\\S]*MAX_IMAGE"):
        read([good, bomb], image_size=(4, 4))


def test_unreadable_images_can_be_blank_at_transform_time(tmp_path, monkeypatch):
    good = save(tmp_path, "good.png", np.full((8, 8, 3), 9, np.uint8))
    bad = [str(tmp_path / name) for name in broken_files(tmp_path)]
    reader, _ = read([good], on_error="blank")
    column = ImageColumn(None, cells=[good, *bad, None, good])
    for limit in (2**30, 0):  # decoded at once, or batch by batch
        monkeypatch.setattr(image_reader, "MAX_DECODED_BYTES", limit)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = reader.read(column)
            found_again = found[np.arange(len(column))]
            warn_of_unreadable(found)
        assert (found_again[[0, -1]] == 9).all() and (found_again[1:-1] == 0).all()
        [warning] = caught
        assert warning.category is BlankImageWarning
        assert "10 of 12 images cannot be read" in str(warning.message)
        assert "row 1: There is no file" in str(warning.message)
    strict, _ = read([good])
    for cell in (None, str(tmp_path / "text.jpg")):
        with pytest.raises(ImageError, match="row 1: "):
            strict.read(ImageColumn(None, cells=[good, cell]))[np.arange(2)]


def test_missing_cells_may_be_blank_in_fit_but_broken_files_may_not(tmp_path):
    good = save(tmp_path, "good.png", np.full((4, 4, 3), 9, np.uint8))
    with pytest.raises(ImageError, match='row 1: The image is missing.*on_error="blank"'):
        read([good, None])
    with pytest.warns(BlankImageWarning, match="1 of 2 images"):
        _, kept = read([good, None], on_error="blank")
    assert (kept[1] == 0).all()
    with pytest.raises(ImageError, match="no file"):
        read([good, str(tmp_path / "missing.png")], on_error="blank")


def test_columns_too_large_for_memory_are_decoded_batch_by_batch(tmp_path, monkeypatch):
    paths = [save(tmp_path, f"{i}.png", np.full((4, 5, 3), i, np.uint8)) for i in range(12)]
    _, kept = read(paths)
    monkeypatch.setattr(image_reader, "MAX_DECODED_BYTES", 100)
    _, streamed = read(paths)
    assert isinstance(kept, np.ndarray) and not isinstance(streamed, np.ndarray)
    threads = []
    decode = files.decode_file

    def recording(*args):
        threads.append(threading.current_thread().name)
        return decode(*args)

    monkeypatch.setattr(decoding, "decode_file", recording)
    sources = ImageSource(kept), ImageSource(streamed)
    view = sources[0].view(np.arange(8))
    np.testing.assert_array_equal(sources[1].view(np.arange(8))["scaling"], view["scaling"])
    rows = np.array([7, 3, 3, 11])
    batches = [source.gather(rows, view, FREE)[0] for source in sources]
    np.testing.assert_array_equal(*batches)
    assert len(threads) == 12 and all(name.startswith("images") for name in threads)


def test_hashes_tell_images_apart(tmp_path):
    copies = [save(tmp_path, name, PHOTO) for name in ("a.png", "b.png")]
    cells = [*copies, save(tmp_path, "c.png", GREY), str(tmp_path / "missing.png"), None]
    hashes = hash_images(ImageColumn(None, cells=cells))
    assert hashes[0] == hashes[1] and hashes[4] == 0 and len(set(hashes.tolist())) == 4
    arrays = np.stack([GREY, GREY, np.zeros_like(GREY)])[..., None]
    hashes = hash_images(ImageColumn(None, pixels=arrays))
    assert hashes[0] == hashes[1] != 0 and hashes[2] == 0


# Folders


def test_class_folders(tmp_path):
    for name in ("bees/2.PNG", "bees/more/1.jpg", "ants/1.png", "ants/notes.txt", "ants/._1.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / ".cache").mkdir()
    paths, labels = load_class_folders(tmp_path)
    assert labels.tolist() == ["ants", "bees", "bees"]
    assert [path.removeprefix(str(tmp_path)).replace("\\", "/") for path in paths] == [
        "/ants/1.png",
        "/bees/2.PNG",
        "/bees/more/1.jpg",
    ]
    with pytest.raises(ValueError, match="folder does not exist"):
        load_class_folders(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"\['more'\]"):
        load_class_folders(tmp_path / "bees")
    (tmp_path / "wasps").mkdir()
    with pytest.raises(ValueError, match="wasps' contains no image"):
        load_class_folders(tmp_path)
