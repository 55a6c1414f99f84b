"""Cost of predictions by Keras, the loaded estimator, NumPy and onnxruntime; 32 and 8 bits.

An encoder of five fold models with 100-d vectors is fitted on 4,000 sentences of MR and transforms
others. Each method runs in its own process: seconds from start to the first result, memory after
it and peak memory, milliseconds for one more row (median), rows per second for 5,200 rows and
processor time per row, all threads together. Then the loss by 8 bits: AUC and the largest
difference of a feature.

    python benchmarks/serving.py [--rows 4000] [--epochs auto]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.metrics import roc_auc_score

import textcnn
from textcnn import TextCNNEncoder

# Method -> how it loads a model, and the file.
WAYS = {
    "Keras for every row": ("keras", "float32", False),
    "textcnn.load": ("load", "float32", False),
    "serving, NumPy": ("serving", "float32", False),
    "serving, NumPy, int8": ("serving", "int8", False),
    "serving, onnxruntime": ("onnx", "float32", True),
    "serving, onnxruntime, int8": ("onnx", "int8", True),
}
MEASURE = """
import json, resource, sys, time
started, way, path, texts = float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
if way in ("serving", "onnx"):
    import textcnn.serving
    runtime = "onnxruntime" if way == "onnx" else "numpy"
    model = textcnn.serving.load(path, runtime=runtime)
else:
    import textcnn
    model = textcnn.load(path)
    if way == "keras":
        from textcnn.text import fitted
        fitted.has_plain_form = lambda settings: False
with open(texts) as file:
    texts = json.load(file)
model.transform(texts[:1])
first = time.time() - started
def kilobytes(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))
after = kilobytes("VmRSS")
times = []
for text in texts[:100]:
    start = time.perf_counter()
    model.transform([text])
    times.append(time.perf_counter() - start)
model.transform(texts[:1000])
start, processor = time.perf_counter(), time.process_time()
model.transform(texts)
seconds, processor = time.perf_counter() - start, time.process_time() - processor
print(json.dumps([first, after / 1024, kilobytes("VmHWM") / 1024, 1000 * sorted(times)[50],
                  len(texts) / seconds, 1000 * processor / len(texts)]))
"""


def main() -> None:
    """Print one line per method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--epochs", default="auto")
    options = parser.parse_args()
    table = pd.read_csv(data_file("text/mr.csv.gz"), keep_default_na=False)
    table = table.sample(frac=1, random_state=0)
    train, test = table[: options.rows], table[-2600:]
    epochs = options.epochs if options.epochs == "auto" else int(options.epochs)
    vectors = data_file("vectors/domain.50k.100d.txt.gz")
    encoder = TextCNNEncoder(vectors, epochs=epochs, random_state=0)
    encoder.fit(train["text"].tolist(), train["label"])
    print(machine_line())
    with tempfile.TemporaryDirectory() as folder:
        paths = _saved(encoder, Path(folder))
        texts = Path(folder) / "texts.json"
        texts.write_text(json.dumps(test["text"].tolist() * 2))
        for name, (way, kind, exported) in WAYS.items():
            path = paths[kind, exported]
            size = sum(file.stat().st_size for file in path.parent.glob(f"{path.stem}.*"))
            _measure(name, way, path, texts, size)
        _accuracy(paths, test)


def _saved(encoder, folder: Path) -> dict:
    """Save the encoder in each format; return the files."""
    paths = {}
    for kind in ("float32", "int8"):
        paths[kind, False] = folder / f"saved_{kind}.textcnn"
        encoder.save(paths[kind, False], vectors=kind)
        encoder.export(folder / f"exported_{kind}.onnx", vectors=kind)
        paths[kind, True] = folder / f"exported_{kind}.textcnn"
    return paths


def _measure(name: str, way: str, path: Path, texts: Path, size: int) -> None:
    code = "import sys, time; sys.argv[1] = str(time.time());" + MEASURE
    done = subprocess.run(
        [sys.executable, "-c", code, "0", way, path, texts],
        capture_output=True,
        text=True,
        check=True,
    )
    first, after, most, one, rows, processor = json.loads(done.stdout)
    print(
        f"{name:28s} start {first:5.2f} s  memory {after:5.0f} MB, at most {most:5.0f} MB  "
        f"one row {one:6.2f} ms  {rows:7,.0f} rows a second ({processor:.2f} ms of processor each)"
        f"  files {size / 1e6:5.1f} MB",
        flush=True,
    )


def _accuracy(paths: dict, test: pd.DataFrame) -> None:
    """Print the loss by 8 bits."""
    features = {
        kind: textcnn.load(paths[kind, False]).transform(test["text"].tolist())[:, 0]
        for kind in ("float32", "int8")
    }
    for kind, feature in features.items():
        print(f"{kind}: AUC {roc_auc_score(test['label'] == 'pos', feature):.5f}")
    difference = np.abs(features["int8"] - features["float32"])
    print(f"difference: mean {difference.mean():.5f}, at most {difference.max():.5f}")


if __name__ == "__main__":
    main()
