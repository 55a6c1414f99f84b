"""The lines of docs/determinism.md that no other test backs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checks import signal_table, tiny

REPOSITORY = Path(__file__).resolve().parent.parent
NEW = 400  # more tokens than are answered in NumPy


@pytest.fixture(scope="module")
def fitted():
    X, y = signal_table(90, 0)
    encoder = tiny()
    return encoder, encoder.fit_transform(X, y)


def test_the_same_call_gives_the_same_bits(fitted):
    X, y = signal_table(90, 0)
    np.testing.assert_array_equal(tiny().fit_transform(X, y), fitted[1])


def features_elsewhere(**environment):
    """Return the features of the same fit in another process."""
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from checks import signal_table, tiny\n"
        "X, y = signal_table(90, 0)\n"
        "print('RESULT', tiny().fit_transform(X, y).tobytes().hex())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    there = re.search(r"^RESULT (\w+)$", done.stdout, re.MULTILINE)
    assert there, done.stderr
    return np.frombuffer(bytes.fromhex(there.group(1)), np.float32)


def test_another_process_gives_the_same_bits(fitted):
    np.testing.assert_array_equal(features_elsewhere(), fitted[1].ravel())


def test_other_thread_counts_agree_closely(fitted):
    other = "3" if os.environ.get("OMP_NUM_THREADS") != "3" else "1"
    features = features_elsewhere(OMP_NUM_THREADS=other)
    np.testing.assert_allclose(features, fitted[1].ravel(), atol=1e-5)


@pytest.mark.parametrize("n_rows", [40, 3 * NEW])
def test_the_order_of_new_rows_changes_nothing_but_rounding(fitted, n_rows):
    encoder, _ = fitted
    new, _ = signal_table(n_rows, 5)
    order = np.random.default_rng(0).permutation(n_rows)
    np.testing.assert_allclose(
        encoder.transform(new.iloc[order]), encoder.transform(new)[order], atol=1e-5
    )


def test_few_rows_and_many_get_the_same_features(fitted):
    encoder, _ = fitted
    new, _ = signal_table(3 * NEW, 5)
    np.testing.assert_allclose(
        encoder.transform(new.head(20)), encoder.transform(new)[:20], atol=1e-5
    )


def test_every_line_of_the_table_names_a_test_that_exists():
    page = (REPOSITORY / "docs" / "determinism.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    assert len(named) >= 6
    for path, name in named:
        assert f"def {name}(" in (REPOSITORY / path).read_text(encoding="utf-8"), (path, name)
