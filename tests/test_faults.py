"""What goes wrong outside: disks, rights, workers, signals, forks, a broken backend."""

import contextlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from joblib import parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import BaseEstimator, ClassifierMixin

import textcnn
from textcnn import (
    ImageCNNClassifier,
    ImageCNNEncoder,
    OutOfFoldEncoder,
    TextLinearEncoder,
)
from textcnn.command_line.main import main as run_command

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(60, seed=7)
MANY = signal_table(900, seed=8)[0]  # more than NumPy answers by itself
LINEAR = ["--text", "review", "--target", "y", "--folds", "2", "--kind", "linear"]


def command(*arguments, **options) -> subprocess.Popen:
    """Start the command in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "textcnn", *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def run_code(code: str, *arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=120,
        env={**os.environ, **environment},
    )


@contextlib.contextmanager
def seconds(limit: int):
    """Fail what hangs."""

    def ring(*_):
        pytest.fail(f"it hung for {limit} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "train.csv"
    TABLE.assign(y=Y).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def network():
    return tiny(cv=2).fit(TABLE, Y)


class Faulty(ClassifierMixin, BaseEstimator):
    """Ends or fills its process when it is fitted in a worker."""

    def __init__(self, fault="kill"):
        self.fault = fault

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if multiprocessing.parent_process() is None:
            raise RuntimeError("this was to be fitted in a worker")
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "memory":
            before = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (2**20, before[1]))
            try:
                np.ones(2**28)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, before)
        return self

    def predict_proba(self, X):
        return np.tile([0.25, 0.75], (len(X), 1))


def test_a_worker_that_dies_or_runs_out_of_memory_is_reported_and_nothing_is_lost():
    X = np.zeros((40, 1))
    encoder = OutOfFoldEncoder(Faulty("none"), cv=2, n_jobs=2).fit(X, Y[:40])
    features = encoder.transform(X)
    with seconds(100):
        with pytest.raises(TerminatedWorkerError, match="memory|killed|SIGKILL"):
            encoder.set_params(estimator__fault="kill").fit(X, Y[:40])
        with pytest.raises(MemoryError, match="allocate"):
            encoder.set_params(estimator__fault="memory").fit(X, Y[:40])
        np.testing.assert_array_equal(encoder.transform(X), features)  # the fit that ended
        again = encoder.set_params(estimator__fault="none").fit_transform(X, Y[:40])
    np.testing.assert_array_equal(again, features)


def child_says(function) -> str:
    """Return what a forked child writes; it may not hang."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork with threads
        pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            said = function()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        said = file.read()
    assert os.waitpid(pid, 0)[1] == 0, "the child hung"
    return said


def test_a_forked_child_transforms_and_refuses_what_would_hang(network):
    expected = network.transform(MANY)
    recurrent = {"cv": 2, "network": "bigru"}
    tiny(**recurrent).fit(TABLE, Y)  # Keras has run in this process
    said = child_says(lambda: json.dumps(network.transform(MANY)[-20:].tolist()))
    np.testing.assert_allclose(json.loads(said), expected[-20:], atol=1e-5)
    said = child_says(lambda: str(tiny(**recurrent).fit(TABLE, Y)))
    assert said.startswith("RuntimeError: This process was forked"), said
    assert 'get_context("spawn")' in said
    with warnings.catch_warnings(), seconds(100), parallel_config("multiprocessing"):
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(RuntimeError, match="forked from"):
            tiny(**recurrent, n_jobs=2).fit(TABLE, Y)


def test_a_forked_child_refuses_images_of_files(tmp_path):
    from PIL import Image

    paths = [str(tmp_path / f"{number}.png") for number in range(12)]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((8, 8), 20 * number, np.uint8)).save(path)
    settings = {"n_filters": (2,), "augment": None, "epochs": 1, "random_state": 0}
    classifier = ImageCNNClassifier(**settings).fit(paths, [0, 1] * 6)
    encoder = ImageCNNEncoder(cv=2, **settings).fit(paths, [0, 1] * 6)
    for predict in (classifier.predict, encoder.transform):
        said = child_says(lambda predict=predict: str(predict(paths)))
        assert said.startswith("RuntimeError: This process was forked"), said


def test_a_forked_child_fits_the_default_network():
    expected = tiny(cv=2).fit_transform(TABLE, Y)
    said = child_says(lambda: json.dumps(tiny(cv=2).fit_transform(TABLE, Y).tolist()))
    np.testing.assert_array_equal(np.array(json.loads(said), np.float32), expected)


def test_a_spawned_process_transforms_many_rows(network):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply_async(network.transform, (MANY,)).get(timeout=100)
    np.testing.assert_allclose(there, network.transform(MANY), atol=1e-5)


WITHOUT_TENSORFLOW = """
    import numpy, sys, textcnn
    texts, liked = ["good film", "bad film", "so good", "so bad"] * 5, [1, 0, 1, 0] * 5
    for _ in range(2):
        try:
            textcnn.TextCNNEncoder(cv=2, epochs=1).fit(texts, liked)
        except ImportError as error:
            print(error)
    loaded = textcnn.load(sys.argv[1])
    print(textcnn.TextLinearEncoder(cv=2).fit_transform(texts, liked).shape)
    import pandas
    print(loaded.transform(pandas.DataFrame({"review": texts})).shape)
"""


@pytest.mark.parametrize(
    "fault",
    [
        "raise ModuleNotFoundError(\"No module named 'tensorflow'\", name='tensorflow')",
        "raise ValueError('numpy.dtype size changed,\\nmay indicate binary incompatibility')",
    ],
    ids=["missing", "broken"],
)
def test_without_tensorflow_the_error_has_the_line_to_type(network, tmp_path, fault):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text(fault)
    network.save(tmp_path / "a.textcnn")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = run_code(
        WITHOUT_TENSORFLOW, tmp_path / "a.textcnn", PYTHONPATH=path, KERAS_BACKEND="tensorflow"
    )
    first, second, *rest = done.stdout.splitlines() or pytest.fail(done.stderr)
    for line in (first, second):
        assert line.startswith("Keras could not be imported with the backend 'tensorflow': ")
        assert 'pip install "keras>=3.14" tensorflow' in line
    assert fault.partition("(")[0].removeprefix("raise ") in first
    assert rest == ["(20, 1)", "(20, 1)"]  # what needs no network goes on


def test_a_folder_that_may_only_be_read(network, tmp_path):
    network.save(tmp_path / "a.textcnn")
    before = (tmp_path / "a.textcnn").read_bytes()
    code = """
        import os, sys, textcnn
        encoder = textcnn.load(sys.argv[1])
        encoder.save(sys.argv[2])  # whatever is imported late is imported now
        if os.geteuid() == 0:  # root may write anywhere
            os.setuid(65534)
        try:
            encoder.save(sys.argv[1])
        except OSError as error:
            print(type(error).__name__, error)
    """
    (tmp_path / "other").mkdir()
    tmp_path.chmod(0o555)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)  # pytest's own folders are closed
    try:
        done = run_code(code, tmp_path / "a.textcnn", tmp_path / "other" / "b.textcnn")
    finally:
        tmp_path.chmod(0o755)
    assert done.stdout.startswith("PermissionError"), done.stderr
    assert (tmp_path / "a.textcnn").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.textcnn", "other"}


def test_a_full_disk_is_one_line_and_leaves_the_old_file(train, tmp_path):
    TextLinearEncoder(cv=2).fit(TABLE, Y).save(tmp_path / "m.textcnn")
    out = tmp_path / "out.csv"
    out.write_text("old")
    process = command(
        "transform", train, "--model", tmp_path / "m.textcnn", "--out", out,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )  # fmt: skip
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 2 and said.count("\n") == 1, said
    assert said.startswith(f"textcnn: cannot write {str(out)!r}: [Errno 27]")
    assert out.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"train.csv", "m.textcnn", "out.csv"}


SAYS_WHEN_A_NETWORK_LEARNS = """
    import os
    from textcnn.neural.batches import Batches

    def set_epoch(self, epoch, original=Batches.set_epoch):
        if epoch == 2:
            open(os.environ["LEARNING"], "w").close()
        original(self, epoch)

    Batches.set_epoch = set_epoch
"""
NETWORK = ["--text", "review", "--target", "y", "--folds", "2", "--kind", "cnn"]


@pytest.mark.parametrize(
    ("kind", "jobs", "number"),
    [
        ("linear", 2, signal.SIGINT),
        ("linear", 1, signal.SIGKILL),
        ("cnn", 2, signal.SIGINT),
    ],
)
def test_an_interrupted_fit_leaves_the_old_files(tmp_path, kind, jobs, number):
    folder, startup = tmp_path / "files", tmp_path / "startup"
    folder.mkdir()
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(textwrap.dedent(SAYS_WHEN_A_NETWORK_LEARNS))
    table, y = signal_table(8_000 if kind == "linear" else 2_000, seed=1)
    table.assign(review=table["review"] * 8, y=y).to_csv(folder / "train.csv", index=False)
    out, model = folder / "out.csv", folder / "m.textcnn"
    out.write_text("old")
    model.write_text("old")
    options, begun, environment = LINEAR, ".out.csv.*.part", os.environ
    if kind == "cnn":
        # More passes than can be over when the signal comes; the workers start as this one.
        options, begun = [*NETWORK, "--epochs", 10_000], "learning"
        environment = {
            **os.environ,
            "LEARNING": str(folder / begun),
            "PYTHONPATH": os.pathsep.join([str(startup), str(REPOSITORY)]),
        }
    process = command(
        "fit-transform", folder / "train.csv", *options, "--jobs", jobs, "--out", out,
        "--save", model, env=environment,
        # A background job may ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    end = time.monotonic() + 300
    while not list(folder.glob(begun)) and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None and list(folder.glob(begun)), process.communicate()[1]
    os.killpg(process.pid, number)  # as Ctrl-C in a terminal reaches workers too
    said = process.communicate(timeout=100)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number), said
    assert "Traceback" not in said
    assert out.read_text() == model.read_text() == "old"
    if number == signal.SIGINT:
        assert {path.name for path in folder.iterdir()} - {begun} == {
            "train.csv", "out.csv", "m.textcnn",
        }  # fmt: skip


def test_two_fits_at_once_of_the_same_files_leave_whole_ones(train, tmp_path):
    out, model = tmp_path / "out.csv", tmp_path / "m.textcnn"
    arguments = ["fit-transform", train, *LINEAR, "--out", out, "--save", model]
    both = [command(*arguments) for _ in range(2)]
    for process in both:
        said = process.communicate(timeout=300)[1]
        assert process.returncode == 0, said
    assert {path.name for path in tmp_path.iterdir()} == {"train.csv", "out.csv", "m.textcnn"}
    encoder = TextLinearEncoder(cv=2, random_state=0)
    expected = encoder.fit_transform(TABLE, Y)
    np.testing.assert_allclose(pd.read_csv(out).to_numpy(), expected, atol=1e-6)
    loaded = textcnn.load(model)
    np.testing.assert_allclose(loaded.transform(TABLE), encoder.transform(TABLE), atol=1e-6)


def test_a_damaged_vectors_file_is_one_line(train, tmp_path, capsys):
    import gzip

    vectors = tmp_path / "vectors.txt.gz"
    lines = "".join(f"word{i} 0.{i} 1.5 2.5\n" for i in range(500))
    vectors.write_bytes(gzip.compress(lines.encode())[:-900])
    arguments = ["fit-transform", str(train), "--text", "review", "--target", "y", "--vectors"]
    assert run_command([*arguments, str(vectors), "--out", str(tmp_path / "o.csv")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(vectors) in said
    assert not (tmp_path / "o.csv").exists()
