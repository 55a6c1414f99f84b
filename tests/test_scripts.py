"""Examples and benchmarks without the real data that they read."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = sorted((REPOSITORY / "benchmarks").glob("*.py"))
HELPERS = {"machine.py", "peers.py", "scaling.py", "shared_data.py"}


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


def test_the_speed_suite_runs_and_its_sides_agree(tmp_path):
    out = tmp_path / "speed.md"
    command = ["benchmarks/suite.py", "--quick", "--only", "oof_mr_frozen", "--out", out]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
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
