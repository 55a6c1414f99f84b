"""The leakage test sees what the levels of fold models tell, and says what it cannot see."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler

from textcnn import OutOfFoldEncoder
from textcnn.crossfit.leakage import leakage_test
from textcnn.fit import estimators

N_GROUPS, SIZE = 12, 12


def run(n_repeats=8):
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(N_GROUPS), SIZE)
    y = (random.random(len(groups)) < np.linspace(0.05, 0.95, N_GROUPS)[groups]).astype(int)
    X = random.normal(size=(len(y), 6))
    balanced = LogisticRegression(class_weight="balanced", C=0.1)
    encoder = OutOfFoldEncoder(balanced, cv=LeaveOneGroupOut(), random_state=0)
    return leakage_test(encoder, X, y, groups=groups, n_repeats=n_repeats)


def finding(result, name):
    return next(found for found in result.findings if found.name == name)


@pytest.mark.filterwarnings("ignore")
def test_levels_that_tell_the_left_out_targets_are_convicted(monkeypatch):
    monkeypatch.setattr(estimators, "output_level", lambda *given: given[-2])
    result = run()
    assert result.leaks
    assert finding(result, "level of the folds").leaks


@pytest.mark.filterwarnings("ignore")
def test_models_less_their_own_level_are_acquitted():
    result = run()
    assert not result.leaks, str(result)
    level = finding(result, "level of the folds")
    assert level.low < level.score < level.high


def test_what_is_not_seen_is_said():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 2)), random.integers(0, 2, 60)
    result = leakage_test(StandardScaler(), X, y, n_repeats=2)
    assert "level of the folds" not in [found.name for found in result.findings]
    assert "not tested: the base rate of each fold model" in str(result)
    assert any("in combination with another column" in line for line in result.not_tested)
