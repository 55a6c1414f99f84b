"""No target leaks through TableFeatures, and noise has no significant gain."""

import numpy as np
import pandas as pd
import pytest
from checks import (
    WORDS,
    check_exact_influence,
    check_noise,
    check_unseen_targets,
    noise_table,
    signal_table,
    within_fold_auc,
)
from inside import plan_of
from PIL import Image
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from textcnn import (
    ImageCNNEncoder,
    LeakError,
    OutOfFoldEncoder,
    TableFeatures,
    TableFeaturesWarning,
    TextCNNEncoder,
    TextLinearEncoder,
    leakage_test,
)
from textcnn.table.report import TableReport

TINY_CNN = ("cnn", TextCNNEncoder(n_filters=2, kernel_sizes=(2,), epochs=1, n_networks=1))


def folds_of(y, n_splits=3):
    return list(StratifiedKFold(n_splits, shuffle=True, random_state=0).split(y, y))


def two_columns(n_rows, seed):
    X, y = signal_table(n_rows, seed)
    X["title"] = noise_table(n_rows, seed + 1, n_words=4)[0]["review"]
    return X, y


def flipped(y, rows):
    changed = y.copy()
    changed[rows] = 1 - changed[rows][::-1]
    return changed


MEMBERS = {
    "cheap": ("svd", "linear"),
    "cnn": (TINY_CNN,),
    "joined": [("linear", TextLinearEncoder(join_columns=True))],
    "images": (ImageCNNEncoder(n_filters=(2,), epochs=1, augment=None),),
}


@pytest.mark.parametrize("name", MEMBERS)
def test_held_out_targets_have_no_say(name, tmp_path):
    X, y = two_columns(90, 0)
    if name == "images":
        X, y = X[:30], y[:30]
        pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
        X = pd.DataFrame({"photo": [str(tmp_path / f"{number}.png") for number in range(30)]})
        for path, image in zip(X["photo"], pixels, strict=True):
            Image.fromarray(image).save(path)
    features = TableFeatures(MEMBERS[name], random_state=0)
    check_exact_influence(features, X, y, folds_of(y), flipped)


def test_neither_groups_nor_later_rows_have_a_say():
    X, y = two_columns(90, 1)
    for cv, fit_params in (
        (GroupKFold(3), {"groups": np.arange(90) // 3}),
        (TimeSeriesSplit(3), {"time": np.random.default_rng(0).permutation(90)}),
    ):
        features = TableFeatures(("linear",), cv=cv, uncovered="nan", random_state=0)
        check_unseen_targets(features, X, y, row=40, change=flipped, **fit_params)


def test_features_of_noise_predict_nothing():
    X, y = noise_table(400, 0)
    folds = folds_of(y)
    features = TableFeatures(("svd", "linear", TINY_CNN), cv=folds, random_state=0)
    table = features.fit_transform(X, y)
    for name in ("review_linear", "review_cnn"):
        check_noise(lambda *_, name=name: table[name].to_numpy(), folds, X, y)
    report = features.report_.verify()
    assert list(report.reports) == [("review", "linear"), ("review", "cnn")]
    assert all(r.verified for r in report.reports.values())
    gains = report.to_frame()
    assert not (gains["verdict"] == "significant gain").any()


def test_the_leakage_test_passes_a_table_and_finds_a_member_without_folds():
    X, y = signal_table(240, 5)

    class Peeking(TextLinearEncoder):
        """Returns features of new rows for training rows."""

        def fit_transform(self, X, y, **fit_params):
            import warnings

            super().fit_transform(X, y, **fit_params)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.transform(X)

    sound = TableFeatures(("linear",), cv=3, random_state=0)
    assert not leakage_test(sound, X, y, n_repeats=4).leaks
    peeking = TableFeatures([("linear", Peeking())], cv=3, random_state=0)
    assert leakage_test(peeking, X, y, n_repeats=4).leaks


def noise_members(n_members):
    """Linear members with different n-gram sizes."""
    return [
        (
            f"noise{i}",
            TextLinearEncoder(char_ngrams=(i % 4 + 1, i % 4 + 1 + i // 4), min_df=1 + i % 3),
        )
        for i in range(n_members)
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_dozen_members_on_noise_have_no_significant_gain(seed):
    X, y = noise_table(400, seed)
    features = TableFeatures(noise_members(12), cv=5, selection="significant", random_state=seed)
    with pytest.warns(TableFeaturesWarning, match="No member has a significant gain"):
        table = features.fit_transform(X, y)
    assert table.shape == (400, 0)
    assert not features.report_.to_frame()["kept"].any()


@pytest.mark.parametrize("target", ["multiclass", "continuous"])
def test_members_on_noise_have_no_significant_gain_with_other_targets(target):
    X = noise_table(300, 3)[0]
    random = np.random.default_rng(3)
    y = random.integers(0, 3, 300) if target == "multiclass" else random.normal(size=300)
    features = TableFeatures(noise_members(4), cv=3, selection="significant", random_state=0)
    with pytest.warns(TableFeaturesWarning, match="No member has a significant gain"):
        table = features.fit_transform(X, y)
    assert features.target_type_ == target and table.shape == (300, 0)
    assert not features.report_.to_frame()["kept"].any()


def test_noise_columns_selected_by_gain_do_not_help_a_model():
    random = np.random.default_rng(7)
    n = 400
    X = pd.DataFrame({"number": random.normal(size=n)})
    for column in range(4):
        X[f"text{column}"] = [" ".join(random.choice(WORDS, 6)) for _ in range(n)]
    y = random.integers(0, 2, n)
    members = noise_members(3)
    features = TableFeatures(members, cv=3, selection="significant", n_repeats=2, random_state=0)
    model = make_pipeline(features, HistGradientBoostingClassifier(max_iter=20))
    with pytest.warns(TableFeaturesWarning):
        score = cross_val_score(model, X, y, cv=StratifiedKFold(3), scoring="roc_auc").mean()
    assert 0.4 < score < 0.6


def test_a_signal_is_kept_and_its_duplicate_is_not():
    X, y = two_columns(400, 2)
    members = [
        ("first", TextLinearEncoder()),
        ("double", TextLinearEncoder()),
        ("words", OutOfFoldEncoder(LogisticRegression())),
    ]
    features = TableFeatures(members[:2], selection="significant", n_repeats=2, random_state=0)
    table = features.fit_transform(X, y)
    assert table.columns.tolist() == ["review_first"]
    folds = [(a.learn, a.predict) for a in plan_of(features).assignments]
    assert within_fold_auc(table["review_first"].to_numpy(), y, folds) > 0.8
    frame = features.report_.to_frame().set_index(["column", "member"])
    assert frame.loc[("review", "first"), "n_folds"] == 10
    assert frame.loc[("review", "double"), "verdict"] == "dropped: gain not significant"
    assert features.transform(X.head(3)).columns.tolist() == ["review_first"]


def test_every_gain_is_kept_on_request():
    X, y = two_columns(300, 2)
    weak = ("weak", TextLinearEncoder(C=0.01, char_ngrams=None))
    kept = {}
    for selection in ("significant", "positive"):
        table = TableFeatures(
            [weak, ("linear", TextLinearEncoder())], selection=selection, random_state=0
        ).fit(X, y)
        frame = table.report_.to_frame().set_index(["column", "member"])
        kept[selection] = set(table.encoders_)
        assert "selected with the training target" in str(table.report_)
    assert kept["significant"] <= kept["positive"]
    assert (frame.loc[frame["kept"], "gain"] > 0).all()
    assert (frame.loc[~frame["kept"], "gain"] <= 0).all() and not frame["kept"].all()
    assert set(frame.loc[~frame["kept"], "verdict"]) == {"dropped: no gain"}


def test_fold_models_of_a_table_predict_again():
    X, y = two_columns(90, 0)
    table = TableFeatures(members=["linear", "svd", TINY_CNN], cv=3, random_state=0)
    features = table.fit_transform(X, y)
    report = table.report_
    assert report.can_predict_again
    checked = "\n".join(report.verify(features, X=X).verification.checked)
    assert "review: 90 rows were predicted again by 3 recorded models" in checked
    assert "title: 90 rows were predicted again by 3 recorded models" in checked
    with pytest.raises(ValueError, match="the encoder was fitted on"):
        report.verify(X=X.iloc[::-1])
    with pytest.raises(ValueError, match="has no encoders to predict again"):
        TableReport([], "").verify(X=X)
    with pytest.raises(LeakError, match="other values"):
        report.verify(table.fit(X, y).transform(X), X=X)
