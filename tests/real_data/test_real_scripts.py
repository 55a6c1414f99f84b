"""Benchmarks and examples that read real data do so; tests/test_scripts.py feeds them made data."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_speed_suite_runs_and_its_sides_agree(real_data, tmp_path):
    out = tmp_path / "speed.md"
    command = ["benchmarks/suite.py", "--quick", "--only", "oof_mr_frozen", "--out", out]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env={**os.environ, "TEXTCNN_DATA": str(real_data), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    # It ends with an error where the accuracies of the sides differ by more than chance allows.
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| Keras model per fold, padded | " in out.read_text(encoding="utf-8")
