"""Shared by the examples: arguments, data, a dense network to compare with, and figures."""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
SOURCES = {
    "mnist": "MNIST of LeCun, Cortes and Burges",
    "fashion_mnist": "Fashion-MNIST of Zalando Research",
}


def read_arguments(text):
    parser = argparse.ArgumentParser(description=text.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small data, short training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY / "examples" / "images",
        help="folder for the figure that this example draws",
    )
    return parser.parse_args()


def new_figure(n_panels, n_rows=1, **options):
    """Return a figure and its panels, drawn without a display."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    width = options.pop("width", 3.4 * n_panels)
    height = options.pop("height", 3.4)
    return plt.subplots(n_rows, n_panels, figsize=(width, height), layout="constrained", **options)


def save_figure(figure, arguments, name):
    """Save a figure as a small PNG with few colours and print its path."""
    import matplotlib.pyplot as plt
    from PIL import Image

    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{name}.png"
    figure.savefig(path, dpi=90)
    plt.close(figure)
    with Image.open(path) as image:
        few_colours = image.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    few_colours.save(path, optimize=True)
    print(f"figure: {path}")


def draw_shapes(size=300):
    """Return a grey image of a disc, a ring, a triangle and a frame on a uniform background."""
    rows, columns = np.mgrid[:size, :size] * (300 / size)
    image = np.full((size, size), 60, np.float32)
    image[np.hypot(rows - 85, columns - 85) < 55] = 200
    ring = np.hypot(rows - 85, columns - 215)
    image[(ring < 55) & (ring > 35)] = 150
    image[(rows > 165) & (rows < 270) & (np.abs(columns - 85) < (rows - 165) / 1.8)] = 240
    frame = np.maximum(np.abs(rows - 218), np.abs(columns - 215))
    image[(frame < 52) & (frame > 40)] = 20
    return image


def small_digits(seed, *, border=0, magnify=1):
    """Return scikit-learn's 8×8 digits as uint8, 1,347 for training and 450 for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)
    images = images.repeat(magnify, axis=1).repeat(magnify, axis=2)
    images = np.pad(images, [(0, 0), (border, border), (border, border)])
    return train_test_split(images, digits.target, stratify=digits.target, random_state=seed)


def real_images(name):
    """Return training and test images and labels of MNIST or Fashion-MNIST, or exit."""
    from textcnn.datasets import load_idx

    folder = REAL_DATA / "images" / name
    paths = [
        folder / f"{part}-{kind}-ubyte.gz"
        for kind in ("images-idx3", "labels-idx1")
        for part in ("train", "t10k")
    ]
    if missing := [str(path) for path in paths if not path.is_file()]:
        sys.exit(
            f"This example needs {SOURCES[name]}, which is not in the repository.\n"
            "Missing files, in the published IDX format:\n  "
            + "\n  ".join(missing)
            + "\nPut them there or set the environment variable TEXTCNN_DATA to the folder that "
            "contains images/, or use --quick."
        )
    return [load_idx(path) for path in paths]


def dense_network(n_units):
    """Return a function that builds a network with one hidden dense layer, for ``network=``."""

    def build(shape):
        import keras

        layers = [keras.layers.Flatten(), keras.layers.Dense(n_units, activation="relu")]
        return keras.Sequential([keras.Input(shape), *layers])

    return build


def show_table(table):
    """Print a table with all of its columns."""
    print(table.to_string(), flush=True)
    print()
