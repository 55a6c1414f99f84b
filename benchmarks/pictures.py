"""Accuracy and time of the picture network on real sets, beside other ways to the same end.

``python benchmarks/pictures.py digits ants_bees mnist fashion speed`` runs the parts named;
each prints a line per way. Results stand in benchmarks/RESULTS.md, data in shared_data.py;
the digits are those of scikit-learn. HOG needs scikit-image, the torch line needs torch.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine_line
from shared_data import data_file

BATCH_SIZE = 64


def main():
    parts = {
        "digits": digits,
        "ants_bees": ants_bees,
        "mnist": mnist,
        "fashion": fashion,
        "speed": speed,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=parts)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(machine_line())
    for part in arguments.parts:
        parts[part](arguments.seed)


def show(part, way, score, started):
    print(f"{part:10} {way:34} {score:.4f}  {time.perf_counter() - started:7.1f} s", flush=True)


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
    ways = {
        "SVC(gamma=0.001)": SVC(gamma=0.001),
        "ImageCNNClassifier()": ImageCNNClassifier(image_shape=(8, 8), random_state=seed),
    }
    for way, estimator in ways.items():
        started = time.perf_counter()
        show("digits", way, cross_val_score(estimator, X, y, cv=folds).mean(), started)


def ants_bees(seed):
    from skimage.feature import hog
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    from textcnn import ImageCNNClassifier
    from textcnn.datasets import load_class_folders
    from textcnn.image.files import decode_file

    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(data_file("images/ants_bees_small_jpg.tar")) as tar:
            tar.extractall(folder, filter="data")
        (train, y), (test, new_y) = (
            load_class_folders(Path(folder, "ants_bees_small", part)) for part in ("train", "val")
        )
        started = time.perf_counter()
        import keras

        classifier = ImageCNNClassifier(
            image_size=64,
            n_filters=(16, 32, 64, 128),
            augment=[
                keras.layers.RandomFlip("horizontal"),
                keras.layers.RandomTranslation(0.1, 0.1),
                keras.layers.RandomRotation(0.05),
                keras.layers.RandomZoom(0.2),
            ],
            random_state=seed,
        ).fit(train, y)
        show("ants_bees", "ImageCNNClassifier, four blocks", classifier.score(test, new_y), started)
        grey, new_grey = (
            np.stack([decode_file(path, (64, 64), "grayscale", "pad")[..., 0] for path in paths])
            for paths in (train, test)
        )
        colour, new_colour = (
            np.stack([decode_file(path, (64, 64), "rgb", "pad").ravel() for path in paths])
            for paths in (train, test)
        )
    started = time.perf_counter()
    svm = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=seed))
    svm.fit([hog(picture) for picture in grey], y)
    show("ants_bees", "HOG + LinearSVC", svm.score([hog(p) for p in new_grey], new_y), started)
    started = time.perf_counter()
    dense = make_pipeline(StandardScaler(), MLPClassifier((128,), random_state=seed, max_iter=300))
    show("ants_bees", "dense net", dense.fit(colour, y).score(new_colour, new_y), started)


def mnist(seed):
    from textcnn import ImageCNNClassifier

    X, y, new, new_y = read_set("mnist")
    started = time.perf_counter()
    classifier = ImageCNNClassifier(random_state=seed).fit(X, y)
    show("mnist", "ImageCNNClassifier()", classifier.score(new, new_y), started)


def fashion(seed):
    import keras

    from textcnn import ImageCNNClassifier

    X, y, new, new_y = read_set("fashion_mnist")
    started = time.perf_counter()
    classifier = ImageCNNClassifier(
        n_filters=(32, 64, 128),
        augment=[keras.layers.RandomFlip("horizontal")],
        epochs=12,
        random_state=seed,
    ).fit(X, y)
    show("fashion", "three blocks, flips, 12 passes", classifier.score(new, new_y), started)


def speed(seed):
    """Seconds per pass over 12,800 pictures, after a first pass; the same network three times."""
    X, y, *_ = read_set("mnist")
    X, y = X[:12_800], y[:12_800]
    for way, make in (
        ("ImageCNNClassifier", our_pass),
        ("keras fit on floats", keras_pass),
        ("torch", torch_pass),
    ):
        run = make(X, y, seed)
        run()
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
        print(
            f"speed      {way:34} {min(seconds):.2f} s, worst of 3 {max(seconds):.2f} s", flush=True
        )


def our_pass(X, y, seed):
    from textcnn import ImageCNNClassifier

    estimator = ImageCNNClassifier(epochs=1, augment=None, batch_size=BATCH_SIZE, random_state=seed)
    return lambda: estimator.fit(X, y)


def keras_pass(X, y, seed):
    import keras

    layers = keras.layers
    stack = [keras.Input((28, 28, 1))]
    for n_filters in (32, 64):
        stack += [layers.Conv2D(n_filters, 3, padding="same", use_bias=False)]
        stack += [layers.BatchNormalization(), layers.Activation("relu"), layers.MaxPooling2D()]
    model = keras.Sequential([*stack, layers.Flatten(), layers.Dropout(0.3), layers.Dense(10)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pictures = (X / 255).astype(np.float32)[..., None]
    return lambda: model.fit(pictures, y, batch_size=BATCH_SIZE, verbose=0)


def torch_pass(X, y, seed):
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts, before = [], 1
    for n_filters in (32, 64):
        parts += [nn.Conv2d(before, n_filters, 3, padding=1, bias=False), nn.BatchNorm2d(n_filters)]
        parts += [nn.ReLU(), nn.MaxPool2d(2)]
        before = n_filters
    model = nn.Sequential(*parts, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 49, 10))
    optimizer = torch.optim.Adam(model.parameters())
    pictures = torch.tensor((X / 255).astype(np.float32))[:, None]
    labels = torch.tensor(y.astype(np.int64))

    def run():
        model.train()
        for rows in torch.randperm(len(labels)).split(BATCH_SIZE):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pictures[rows]), labels[rows]).backward()
            optimizer.step()

    return run


if __name__ == "__main__":
    main()
