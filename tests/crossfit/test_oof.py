from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import ShuffleSplit

from textcnn.crossfit import assemble, average, make_fold_plan, read_target


def plan_of(cv, n_rows, **options):
    target = read_target(np.linspace(0.5, 2, n_rows), n_rows=n_rows)
    return make_fold_plan(cv, target, random_state=0, **options)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_columns=st.integers(1, 3),
    uncovered=st.sampled_from(["nan", 0.25]),
)
def test_assemble_equals_a_loop_over_rows(seed, n_columns, uncovered):
    cv = ShuffleSplit(4, test_size=0.4, random_state=seed)
    plan = plan_of(cv, 15, uncovered="nan")
    rng = np.random.default_rng(seed)
    outputs = [
        rng.normal(size=(len(part.predict), n_columns)).astype(np.float32)
        for part in plan.assignments
    ]
    expected = []
    for row in range(15):
        seen = np.array(
            [
                output[part.predict.tolist().index(row)]
                for part, output in zip(plan.assignments, outputs, strict=True)
                if row in part.predict
            ],
            dtype=np.float64,
        )
        missing = np.nan if uncovered == "nan" else uncovered
        expected.append(list(seen.mean(axis=0)) if len(seen) else [missing] * n_columns)
    found = assemble(plan, outputs, uncovered=uncovered)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(expected), rtol=1e-6, atol=1e-7)


def test_a_row_predicted_once_keeps_its_value():
    plan = plan_of(3, 30)
    rng = np.random.default_rng(0)
    outputs = [
        rng.normal(size=(len(part.predict), 2)).astype(np.float32) for part in plan.assignments
    ]
    features = assemble(plan, outputs)
    for part, output in zip(plan.assignments, outputs, strict=True):
        assert features[part.predict].tobytes() == output.tobytes()


def test_what_assemble_refuses():
    plan = plan_of([([0, 1], [2]), ([2], [0])], 3, uncovered="nan")
    good = [np.zeros((1, 2)), np.zeros((1, 2))]
    with pytest.raises(ValueError, match="No model predicts 1 of 3 rows.*row 1 uncovered"):
        assemble(plan, good)
    with pytest.raises(ValueError, match="uncovered='mean'"):
        assemble(plan, good, uncovered="mean")
    for bad in (
        good[:1],
        [np.zeros((2, 2)), good[1]],
        [np.zeros((1, 1)), good[1]],
        [np.zeros(1)] * 2,
    ):
        with pytest.raises(ValueError, match=r"with \[1, 1\] rows and the same number of columns"):
            assemble(plan, bad, uncovered="nan")


def test_average():
    rng = np.random.default_rng(0)
    outputs = [rng.normal(size=(5, 2)).astype(np.float32) for _ in range(3)]
    found = average(outputs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.mean(outputs, axis=0, dtype=np.float64), rtol=1e-6)
    subset = average([output[[3]] for output in outputs])
    assert subset.tobytes() == found[[3]].tobytes()
    with pytest.raises(ValueError, match=r"shapes \[\]"):
        average([])
    with pytest.raises(ValueError, match="same shape"):
        average([np.zeros((2, 1)), np.zeros((3, 1))])
