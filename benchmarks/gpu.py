"""Time networks on a GPU, against the compiled engine on the CPU and a plain PyTorch loop.

    pip install '.[bench]' 'jax[cuda12]' torch
    python benchmarks/gpu.py           # at most 8 minutes; --minutes 4 for less
    python benchmarks/gpu.py --tiny    # a minute on a CPU, to try the script

From what size on does a GPU pay? Tasks grow: sentences as long as those of MR, reviews as long as
IMDB's, then more filters and larger batches; one epoch each, out-of-fold. Last come epochs of
images. Texts and images are random, because only time is measured, so no data are needed.

Each way runs in a process of its own, which has a quarter of the time; tasks that it does not reach
are "-". The second of two equal fits counts, in brackets the first, which also compiles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
from machine import machine_line

# Environment of each way. Where KERAS_BACKEND is set, Keras trains everything.
WAYS = {
    "this package on the CPU": {"CUDA_VISIBLE_DEVICES": ""},
    "this package, JAX": {"KERAS_BACKEND": "jax"},
    "this package, torch": {"KERAS_BACKEND": "torch"},
    "plain PyTorch loop": {},
}
_LARGE = {"n_filters": 100, "kernel_sizes": (3, 4, 5)}
_HUGE = {"n_filters": 512, "kernel_sizes": (3, 4, 5), "batch_size": 512}
_DEFAULT = {"n_filters": 32, "kernel_sizes": (1, 2, 3)}
# Task -> rows, words of a text (0: images), folds, settings of the network.
TASKS = {
    "MR, default network": (10_662, 21, 5, _DEFAULT),
    "MR, 100 filters of 3, 4, 5": (10_662, 21, 5, _LARGE),
    "IMDB, default network": (5_000, 230, 3, _DEFAULT),
    "images, batch 64": (12_800, 0, 1, {"batch_size": 64}),
    "images, batch 512": (12_800, 0, 1, {"batch_size": 512}),
    "IMDB, 100 filters of 3, 4, 5": (5_000, 230, 3, _LARGE),
    "IMDB, 512 filters of 3, 4, 5, batch 512": (5_000, 230, 3, _HUGE),
}


def main() -> None:
    """Run every way in a process and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--tiny", action="store_true", help="a hundredth of the rows")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), metavar="TASK")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    share = 0.01 if options.tiny else 1.0
    if options.child:
        serve(options.child, options.tasks, share)
        return
    results, devices = {}, {}
    for way in WAYS:
        devices[way], results[way] = in_a_process(way, options)
    print(machine_line(), *(f"{way}: {device}" for way, device in devices.items()), sep="\n")
    print("", f"| task | {' | '.join(WAYS)} |", "|---" * (len(WAYS) + 1) + "|", sep="\n")
    for task in options.tasks:
        cells = (results[way].get(task, "-") for way in WAYS)
        print(f"| {task} | {' | '.join(cells)} |")


def in_a_process(way: str, options) -> tuple[str, dict[str, str]]:
    """Return the device and the times of one way, as far as it came."""
    command = [sys.executable, __file__, "--child", way, "--tasks", *options.tasks]
    command += ["--tiny"] if options.tiny else []
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    child = subprocess.Popen(
        command, env=environment | WAYS[way], stdout=subprocess.PIPE, text=True
    )
    limit = threading.Timer(60 * options.minutes / len(WAYS), child.kill)
    limit.start()
    device, times = "none", {}
    for line in child.stdout:
        task, value = json.loads(line)
        if task == "device":
            device = value
        else:
            times[task] = value
        print(f"{way}: {task}: {value}", file=sys.stderr)
    child.wait()
    limit.cancel()
    return device, times


def serve(way: str, tasks: list[str], share: float) -> None:
    """Run the tasks of one way; print a line of JSON after each fit."""
    print(json.dumps(["device", device_of(way)]), flush=True)
    for task in tasks:
        n_rows, n_words, n_folds, settings = TASKS[task]
        run = prepare(way, max(100, int(share * n_rows)), n_words, n_folds, settings)
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
            told = (
                f"{seconds[-1]:.2f} s ({seconds[0]:.2f})" if seconds[1:] else f"({seconds[0]:.2f})"
            )
            print(json.dumps([task, told]), flush=True)


def device_of(way: str) -> str:
    """Return the name of the device that a way trains on."""
    if way.endswith("JAX"):
        import jax

        return str(jax.devices()[0])
    if not WAYS[way].get("CUDA_VISIBLE_DEVICES", "?"):
        return "CPU: texts by the compiled engine, images by Keras with TensorFlow"
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def prepare(way: str, n_rows: int, n_words: int, n_folds: int, settings: dict):
    """Return a function that does one fit of a task."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, n_rows)
    if not n_words:
        images = random.integers(0, 256, (n_rows, 28, 28), dtype=np.uint8)
        return image_epoch(way, images, y, settings["batch_size"])
    # Words as frequent as in language: the frequency of a word is that of its rank.
    lengths = np.maximum(random.poisson(n_words, n_rows), 1)
    ids = np.minimum(random.zipf(1.3, lengths.sum()), 20_000)
    documents = np.split(ids, np.cumsum(lengths)[:-1])
    if way.startswith("plain"):
        return lambda: torch_folds(documents, y, n_folds, **settings)
    from textcnn import TextCNNEncoder

    texts = [" ".join(f"w{i}" for i in document) for document in documents]
    encoder = TextCNNEncoder(
        cv=n_folds, epochs=1, n_networks=1, learned_dim=100, random_state=0, **settings
    )
    return lambda: encoder.fit_transform(texts, y)


def image_epoch(way: str, images: np.ndarray, y: np.ndarray, batch_size: int):
    """Return a function that trains the default image network for an epoch."""
    if way.startswith("plain"):
        import torch
        from images import torch_pass

        run = torch_pass(images, y, seed=0, batch_size=batch_size)

        def epoch():
            run(1)
            if torch.cuda.is_available():
                torch.cuda.synchronize()

        return epoch
    from textcnn import ImageCNNClassifier

    classifier = ImageCNNClassifier(epochs=1, augment=None, batch_size=batch_size, random_state=0)
    return lambda: classifier.fit(images, y)


def torch_folds(documents, y, n_folds, *, n_filters, kernel_sizes, batch_size=64) -> np.ndarray:
    """Return out-of-fold log odds of a module per fold, in batches padded to their longest text."""
    import torch
    from torch import nn

    device = "cuda" if torch.cuda.is_available() else "cpu"
    ids = [torch.from_numpy(document) for document in documents]
    labels = torch.from_numpy(y).float().to(device)
    folds = np.arange(len(y)) % n_folds
    out_of_fold = torch.empty(len(y))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(20_001, 100, padding_idx=0)
            self.maps = nn.ModuleList(
                nn.Conv1d(100, n_filters, size, padding=size - 1) for size in kernel_sizes
            )
            self.output = nn.Linear(n_filters * len(kernel_sizes), 1)

        def forward(self, rows):
            padded = nn.utils.rnn.pad_sequence([ids[row] for row in rows], batch_first=True)
            x = self.words(padded.to(device)).transpose(1, 2)
            x = torch.cat([conv(x).relu().amax(dim=2) for conv in self.maps], 1)
            return self.output(nn.functional.dropout(x, 0.2, self.training))[:, 0]

    for fold in range(n_folds):
        model = Network().to(device)
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        learn = torch.from_numpy(np.flatnonzero(folds != fold))
        for rows in learn[torch.randperm(len(learn))].split(batch_size):
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(rows), labels[rows.to(device)]
            )
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for rows in torch.from_numpy(np.flatnonzero(folds == fold)).split(1024):
                out_of_fold[rows] = model(rows).cpu()
    return out_of_fold.numpy()


if __name__ == "__main__":
    main()
