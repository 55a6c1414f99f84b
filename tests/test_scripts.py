"""Examples and benchmarks without the real data that they read, or with made data instead."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from textcnn.datasets import make_reviews

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = sorted((REPOSITORY / "benchmarks").glob("*.py"))
HELPERS = {
    "machine.py",
    "multabench_import.py",
    "multabench_model.py",
    "peers.py",
    "scaling.py",
    "shared_data.py",
}


@pytest.fixture
def shared_data_module(monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTCNN_DATA", str(tmp_path))
    return runpy.run_path(str(REPOSITORY / "benchmarks" / "shared_data.py"))


def test_a_benchmark_without_its_data_says_what_it_needs(tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/groups.py"],
        cwd=REPOSITORY,
        env={**os.environ, "TEXTCNN_DATA": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"Missing:  {tmp_path.resolve() / 'tables' / 'womens_clothing.csv.gz'}" in done.stderr
    assert "Women's E-Commerce Clothing Reviews" in done.stderr
    assert f"Received: TEXTCNN_DATA={tmp_path}" in done.stderr


def test_missing_files_of_the_shared_data_are_reported(shared_data_module, tmp_path):
    for name in shared_data_module["FILES"]:
        with pytest.raises(SystemExit, match=re.escape(name)):
            shared_data_module["data_file"](name)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        assert shared_data_module["data_file"](name) == tmp_path / name


@pytest.mark.parametrize("names", [[], ["tables/womens_clothing.csv.gz"], ["tables"]], ids=str)
def test_what_is_missing_is_said_of_all_files_at_once(names, shared_data_module, tmp_path):
    """As make says it before it installs; `names` may be folders."""
    command = [sys.executable, "-S", "benchmarks/shared_data.py", *names]
    options = {"cwd": REPOSITORY, "env": {"TEXTCNN_DATA": str(tmp_path)}, "text": True}
    done = subprocess.run(command, capture_output=True, **options)
    assert done.returncode == 1
    asked = [name for name in shared_data_module["FILES"] if name.startswith(tuple(names or [""]))]
    missing = re.findall("^  (\\S+): ", done.stderr, re.MULTILINE)
    assert missing == asked and len(asked) >= 1
    assert f"Received: TEXTCNN_DATA={tmp_path}" in done.stderr
    for name in asked:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert subprocess.run(command, **options).returncode == 0


@pytest.mark.parametrize(
    "path", [p for p in BENCHMARKS if p.name not in HELPERS], ids=lambda path: path.name
)
def test_benchmarks_share_data_and_the_line_about_the_machine(path, shared_data_module):
    code = path.read_text(encoding="utf-8")
    assert "TEXTCNN_DATA" not in code
    assert "machine_line()" in code
    named = re.findall(r"(?<!f)\"((?:text|tables|vectors)/[^\"{]+\.gz)\"", code)
    assert set(named) <= set(shared_data_module["FILES"])


def test_the_machine_line_names_the_versions():
    line = runpy.run_path(str(REPOSITORY / "benchmarks" / "machine.py"))["machine_line"]()
    assert f"{os.cpu_count()} cores, " in line
    for package in ("keras", "tensorflow", "numpy"):
        assert re.search(rf"\b{package} \d+\.\d+", line)


def test_the_example_says_which_real_tables_are_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TEXTCNN_DATA", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["01_reviews_in_a_table.py"])
    names = runpy.run_path(str(REPOSITORY / "examples" / "01_reviews_in_a_table.py"))
    results = pd.DataFrame({"test_auc": [0.5, 0.6]}, index=["no text", "a text"])
    monkeypatch.setitem(names["main"].__globals__, "compare", lambda *_: results)
    names["main"]()
    out = capsys.readouterr().out
    for file in ("tables/womens_clothing.csv.gz", "tables/airline_tweets.csv.gz", "vectors/"):
        assert str(tmp_path / file) in out
    assert "Kaggle" in out and "TEXTCNN_DATA" in out


@pytest.fixture
def made_data(tmp_path):
    """A folder with a table and vectors under the names that the benchmarks read."""
    table = make_reviews(700, random_state=0).dropna(subset=["review"])
    label = table["recommended"].map({1: "pos", 0: "neg"})
    words = sorted({word for text in table["review"] for word in text.lower().split()})
    vectors = np.random.default_rng(0).normal(0, 0.3, (len(words), 100))
    for folder in ("text", "vectors"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    pd.DataFrame({"text": table["review"], "label": label}).to_csv(
        tmp_path / "data" / "text" / "mr.csv.gz", index=False
    )
    pd.DataFrame(vectors.round(4), index=words).to_csv(
        tmp_path / "data" / "vectors" / "domain.50k.100d.txt.gz", sep=" ", header=False
    )
    return tmp_path / "data"


def test_the_gpu_benchmark_times_the_engine_where_no_gpu_is():
    command = ["benchmarks/gpu.py", "--child", "this package on the CPU", "--tiny", "--tasks"]
    done = subprocess.run(
        [sys.executable, *command, "MR, default network", "IMDB, default network"],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (_, device), *fits = map(json.loads, done.stdout.splitlines())
    assert device.startswith("CPU")
    assert [task[:4] for task, _ in fits] == ["MR, ", "MR, ", "IMDB", "IMDB"]
    assert re.fullmatch(r"\(\d+\.\d\d\)", fits[0][1])
    assert re.fullmatch(r"\d+\.\d\d s \(\d+\.\d\d\)", fits[1][1])


def test_the_speed_suite_runs_and_its_sides_agree(made_data, tmp_path):
    out = tmp_path / "speed.md"
    command = ["benchmarks/suite.py", "--quick", "--only", "oof_mr_frozen", "--out", out]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, "TEXTCNN_DATA": str(made_data), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    # It ends with an error where the accuracies of the sides differ by more than chance allows.
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in out.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == [
        "side",
        "TextCNNEncoder",
        "Keras model per fold, padded",
    ]
