"""Features of nineteen settings are those that were recorded."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "data" / "make_features.py"


def test_features_are_the_recorded_ones():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", SCRIPT, "--compare"],
        capture_output=True,
        text=True,
        env=os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"},
        timeout=600,
    )
    assert done.returncode == 0, done.stdout or done.stderr
    assert len(done.stdout.splitlines()) == 35
