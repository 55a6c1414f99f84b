"""Accuracy and time of the image network on real data sets, compared with other methods.

``python benchmarks/images.py digits ants_bees mnist fashion speed memory --seeds 3`` runs the
given parts once per seed and prints a line per method and run, then means and standard deviations.
Results are in benchmarks/RESULTS.md; shared_data.py lists the data; the digits are those of
scikit-learn. HOG needs scikit-image, the torch line needs torch.

The seed determines folds (digits), the split into 278 training and 120 test images (ants_bees),
and the initial weights and the order of training (all).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np
from machine import machine_line
from shared_data import data_file

BATCH_SIZE = 64
TURNS = 8


def main():
    parts = {
        "digits": digits,
        "ants_bees": ants_bees,
        "mnist": mnist,
        "fashion": fashion,
        "speed": speed,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--seeds", type=int, default=3, help="number of runs")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first of them")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        serve(*arguments.child)
        return
    unknown = sorted(set(arguments.parts) - set(parts))
    if unknown or not arguments.parts:
        parser.error(f"expected some of {', '.join(parts)}. Received: {unknown}")
    print(machine_line(), flush=True)
    for part in arguments.parts:
        run_part(part, parts[part], range(arguments.first, arguments.first + arguments.seeds))


def run_part(name, part, seeds):
    """Run a part once per seed; a part yields methods with their scores."""
    scores = {}
    for seed in seeds:
        started = time.perf_counter()
        for way, score, *remark in part(seed):
            seconds = time.perf_counter() - started
            unit = {"speed": " s", "memory": " MB"}.get(name, "")
            print(
                f"{name:10} seed {seed}  {way:44} {score:.4f}{unit}  after {seconds:6.0f} s",
                *remark,
                flush=True,
            )
            scores.setdefault(way, []).append(score)
            started = time.perf_counter()
    for way, found in scores.items():
        spread = f" ± {np.std(found, ddof=1):.4f}" if len(found) > 1 else ""
        print(f"{name:10} mean    {way:44} {np.mean(found):.4f}{spread}", flush=True)


def read_set(name):
    from textcnn.datasets import load_idx

    return [
        load_idx(data_file(f"images/{name}/{part}-{kind}-ubyte.gz"))
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]


def digits(seed):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    from textcnn import ImageCNNClassifier

    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    for way, estimator in {
        "SVC(gamma=0.001)": SVC(gamma=0.001),
        "ImageCNNClassifier()": ImageCNNClassifier(image_shape=(8, 8), random_state=seed),
    }.items():
        yield way, cross_val_score(estimator, X, y, cv=folds).mean()


@cache
def photographs(side):
    """Return all 398 photographs of ants and bees as arrays, and their classes."""
    from textcnn.datasets import load_class_folders
    from textcnn.image.files import decode_file

    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(data_file("images/ants_bees_small_jpg.tar")) as tar:
            tar.extractall(folder, filter="data")
        parts = [load_class_folders(Path(folder, "ants_bees_small", p)) for p in ("train", "val")]
        paths, y = (np.concatenate(both) for both in zip(*parts, strict=True))
        images = [decode_file(path, (side, side), "rgb", "pad") for path in paths]
    return np.stack(images), y


def ants_bees(seed):
    """Ants or bees; settings of other methods are chosen by cross-validation on training rows."""
    import keras
    from sklearn.model_selection import train_test_split

    from textcnn import ImageCNNClassifier

    images, y = photographs(64)
    known, new = train_test_split(np.arange(len(y)), test_size=120, stratify=y, random_state=seed)
    classifier = ImageCNNClassifier(
        n_filters=(16, 32, 64, 128),
        augment=[
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomTranslation(0.1, 0.1),
            keras.layers.RandomRotation(0.05),
            keras.layers.RandomZoom(0.2),
        ],
        random_state=seed,
    )
    yield (
        "ImageCNNClassifier, four blocks",
        classifier.fit(images[known], y[known]).score(images[new], y[new]),
    )
    for way, features, search in (
        ("HOG + LinearSVC", hog_features(), linear_search()),
        ("dense network", images, dense_search(seed)),
    ):
        search.fit(features[known], y[known])
        chosen = {name.split("__")[-1]: value for name, value in search.best_params_.items()}
        yield way, search.score(features[new], y[new]), chosen


@cache
def hog_features():
    from skimage.color import rgb2gray
    from skimage.feature import hog

    images, _ = photographs(64)
    return np.stack([hog(rgb2gray(image)) for image in images])


def linear_search():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    machine = make_pipeline(StandardScaler(), LinearSVC(random_state=0, max_iter=20_000))
    return GridSearchCV(machine, {"linearsvc__C": np.logspace(-8, 0, 9)}, cv=5)


def dense_search(seed):
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    dense = make_pipeline(
        FunctionTransformer(flat_pixels),
        StandardScaler(),
        MLPClassifier(max_iter=200, random_state=seed),
    )
    grid = {
        "functiontransformer__kw_args": [{"side": 16}, {"side": 32}],
        "mlpclassifier__hidden_layer_sizes": [(32,), (256,)],
    }
    return GridSearchCV(dense, grid, cv=3)


def flat_pixels(images, side):
    """Return rows of pixels of images that are downsampled by averaging."""
    n, height, width, channels = images.shape
    step = height // side
    parts = images.reshape(n, side, step, side, step, channels)
    return parts.mean(axis=(2, 4)).reshape(n, -1)


def mnist(seed):
    from textcnn import ConvNetwork, ImageCNNClassifier

    X, y, new, new_y = read_set("mnist")
    network = ConvNetwork(n_filters=(16, 32, 64), n_convolutions=2, pool_size=2)
    classifier = ImageCNNClassifier(network=network, epochs=12, random_state=seed).fit(X, y)
    yield "three blocks of two convolutions, 12 passes", classifier.score(new, new_y)


def fashion(seed):
    """Clothes; settings were chosen on 10,000 of the 60,000 training images."""
    import keras

    from textcnn import ConvNetwork, ImageCNNClassifier

    X, y, new, new_y = read_set("fashion_mnist")
    classifier = ImageCNNClassifier(
        network=ConvNetwork(n_filters=(24, 48, 96), n_convolutions=2, pool_size=2),
        augment=[
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomErasing(factor=0.5, scale=(0.02, 0.2)),
        ],
        epochs=14,
        batch_size=128,
        random_state=seed,
    ).fit(X, y)
    yield "three blocks, flips, erasing, 14 epochs", classifier.score(new, new_y)


def speed(seed):
    """Seconds of an epoch of 12,800 images, and ratios to ours: medians of alternating runs.

    The methods alternate, two epochs at a time, so that a slower machine affects all of them. The
    first run, which includes the set-up, is not counted.
    """
    seconds = {way: [] for way in WAYS}
    with contextlib.ExitStack() as stack:
        runs = {way: stack.enter_context(process(way, 12_800, seed)) for way in WAYS}
        for _ in range(1 + TURNS):
            for way, run in runs.items():
                seconds[way].append(run(2)["seconds"] / 2)
    ours, *_ = seconds.values()
    for way, turns in seconds.items():
        low, middle, high = np.quantile(np.divide(ours, turns)[1:], (0.25, 0.5, 0.75))
        times = f"ours takes {middle:.2f} ({low:.2f} to {high:.2f}) of it"
        yield way, np.median(turns[1:]), times


def memory(seed):
    """Megabytes that one epoch of 60,000 images adds to a process with loaded libraries."""
    for way in WAYS:
        with process(way, 60_000, seed) as run:
            yield way, run(1)["megabytes"]


@contextlib.contextmanager
def process(way, n_rows, seed):
    """Start a process for a method; return a function that trains for some epochs in it."""
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            [sys.executable, __file__, "--child", json.dumps([way, n_rows, seed])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

        def run(n_passes):
            print(n_passes, file=child.stdin, flush=True)
            if answer := child.stdout.readline():
                return json.loads(answer)
            errors.seek(0)
            raise RuntimeError(f"{way}: {errors.read()[-2000:]}")

        with child:
            yield run


def serve(way, n_rows, seed):
    """Read numbers of epochs from standard input, train, and print the time."""
    make, libraries = WAYS[way]
    for library in libraries:
        importlib.import_module(library)
    before = megabytes("VmRSS")
    X, y, *_ = read_set("mnist")
    run = make(X[:n_rows].copy(), y[:n_rows], seed)
    del X
    for line in sys.stdin:
        started = time.perf_counter()
        run(int(line))
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "megabytes": megabytes("VmHWM") - before}
        print(json.dumps(answer), flush=True)


def megabytes(name):
    """Return a line of this process's status: VmRSS for current memory, VmHWM for the peak."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) / 1e3


def our_pass(X, y, seed):
    from textcnn import ImageCNNClassifier

    settings = {"augment": None, "batch_size": BATCH_SIZE, "random_state": seed}
    return lambda n: ImageCNNClassifier(epochs=n, **settings).fit(X, y)


def keras_pass(X, y, seed):
    import keras

    layers = keras.layers
    stack = [keras.Input((28, 28, 1))]
    for n_filters in (32, 64):
        stack += [layers.Conv2D(n_filters, 3, padding="same", use_bias=False)]
        stack += [layers.BatchNormalization(), layers.Activation("relu"), layers.MaxPooling2D()]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dropout(0.3), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.divide(X, 255, dtype=np.float32)[..., None]
    return lambda n: model.fit(images, y, batch_size=BATCH_SIZE, epochs=n, verbose=0)


def torch_pass(X, y, seed, batch_size=BATCH_SIZE):
    import torch
    from torch import nn

    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts, before = [], 1
    for n_filters in (32, 64):
        parts += [nn.Conv2d(before, n_filters, 3, padding=1, bias=False), nn.BatchNorm2d(n_filters)]
        parts += [nn.ReLU(), nn.MaxPool2d(2)]
        before = n_filters
    model = nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 49, 10)).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    images = torch.from_numpy(np.divide(X, 255, dtype=np.float32))[:, None].to(device)
    labels = torch.tensor(y.astype(np.int64), device=device)

    def run(n):
        model.train()
        for _ in range(n):
            for rows in torch.randperm(len(labels), device=device).split(batch_size):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
                optimizer.step()

    return run


# Method -> function that makes it, and the libraries loaded before its memory is measured.
WAYS = {
    "ImageCNNClassifier": (our_pass, ("keras", "textcnn.image_cnn")),
    "keras fit on floats": (keras_pass, ("keras",)),
    "torch": (torch_pass, ("torch",)),
}


if __name__ == "__main__":
    main()
