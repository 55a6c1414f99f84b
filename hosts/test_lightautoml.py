"""Complete LightAutoML runs with text features on the host's own folds."""

import pickle

import numpy as np
import pandas as pd
import pytest
from checks import check_noise, noise_table, permutation_interval
from lightautoml.automl.base import AutoML
from lightautoml.dataset.np_pd_dataset import PandasDataset
from lightautoml.dataset.roles import TextRole
from lightautoml.ml_algo.boost_lgbm import BoostLGBM
from lightautoml.pipelines.features.lgb_pipeline import LGBSimpleFeatures
from lightautoml.pipelines.ml.base import MLPipeline
from lightautoml.reader.base import PandasToPandasReader
from lightautoml.tasks import Task
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from tables import SMALL, TARGET, clothing

from textcnn import InSampleWarning
from textcnn.integrations import adapter
from textcnn.integrations.lightautoml import TextCNNFeatures, TextCNNTransformer


@pytest.fixture(autouse=True)
def no_cached_fits():
    adapter._kept_fits.clear()


def automl(features, task="binary"):
    """Return a small AutoML of one layer: three folds, one LightGBM."""
    model = BoostLGBM(default_params={"num_trees": 50})
    reader = PandasToPandasReader(Task(task), cv=3, random_state=0)
    return AutoML(reader, [[MLPipeline([model], features_pipeline=features)]], skip_conn=False)


def our_transformer(fitted):
    """Return our transformer from a fitted AutoML."""
    union = fitted.levels[0][0].features_pipeline._pipeline
    ours = union.transformer_list[0].transformer_list[-1]
    assert isinstance(ours, TextCNNTransformer)
    return ours


def roles(text, target):
    return {"target": target, TextRole(): [text]}


def dataset(X, y, folds, task="binary"):
    roles = dict.fromkeys(X.columns, TextRole())
    return PandasDataset(X, roles, Task(task), target=pd.Series(y), folds=pd.Series(folds))


def folds_of(y, n_splits=4):
    folds = np.empty(len(y), int)
    splitter = StratifiedKFold(n_splits, shuffle=True, random_state=0)
    for number, (_, test) in enumerate(splitter.split(y, y)):
        folds[test] = number
    return folds


def test_a_whole_run_uses_the_folds_of_the_host_and_is_pickled():
    train, test = clothing(600, 400)
    features = TextCNNFeatures(encoder_params=SMALL | {"epochs": 3}, others=LGBSimpleFeatures())
    fitted = automl(features)
    fitted.fit_predict(train, roles=roles("review_text", TARGET))
    predicted = fitted.predict(test).data
    assert predicted.shape == (400, 1) and np.isfinite(predicted).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(test).data, predicted)
    ours = our_transformer(fitted)
    plan = ours.encoder_.report_.verify().plan
    assert plan.n_models == 3
    assert ours.features == ["review_text_cnn__review_text"]


def test_the_text_improves_the_score_on_a_real_table():
    train, test = clothing(1500, 1500)
    scores = {}
    for way, features in {
        "no text": LGBSimpleFeatures(),
        "linear": TextCNNFeatures("linear", others=LGBSimpleFeatures()),
    }.items():
        columns = ["age", "department", TARGET] if way == "no text" else list(train)
        fitted = automl(features)
        given = roles("review_text", TARGET) if way != "no text" else {"target": TARGET}
        fitted.fit_predict(train[columns], roles=given)
        scores[way] = roc_auc_score(test[TARGET], fitted.predict(test).data[:, 0])
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert scores["linear"] > scores["no text"] + 0.1


@pytest.mark.parametrize(
    ("task", "target", "n_features"), [("multiclass", "department", 6), ("reg", "age", 1)]
)
def test_other_tasks_run(task, target, n_features):
    train, test = clothing(600, 100)
    train, test = (part[part["department"] != "Trend"] for part in (train, test))
    fitted = automl(TextCNNFeatures("linear", others=LGBSimpleFeatures()), task)
    fitted.fit_predict(train, roles=roles("review_text", target))
    assert np.isfinite(fitted.predict(test).data).all()
    encoder = our_transformer(fitted).encoder_
    assert encoder.target_type_ == ("multiclass" if task == "multiclass" else "continuous")
    expected = train["department"].nunique() if task == "multiclass" else n_features
    assert len(our_transformer(fitted).features) == expected


def test_each_row_is_predicted_by_the_model_of_the_hosts_other_folds():
    X, y = noise_table(120, 0)
    folds = folds_of(y)
    ours = TextCNNTransformer("linear")
    features = ours.fit_transform(dataset(X, y, folds))
    assert features.data.shape == (120, 1) and features.features == ["review_linear__review"]
    plan = ours.encoder_.report_.verify().plan
    for number, assignment in enumerate(plan.assignments):
        assert assignment.predict.tolist() == np.flatnonzero(folds == number).tolist()
        assert assignment.learn.tolist() == np.flatnonzero(folds != number).tolist()


def test_training_rows_that_are_only_transformed_give_a_warning():
    X, y = noise_table(150, 0)
    ours = TextCNNTransformer("linear").fit(dataset(X, y, folds_of(y)))
    with pytest.warns(InSampleWarning):
        ours.transform(dataset(X, y, folds_of(y)))


@pytest.mark.parametrize("options", [{"encoder": "linear"}, {"encoder_params": SMALL}])
def test_features_of_noise_predict_nothing(options):
    X, y = noise_table(400, 0)
    folds = folds_of(y)
    pairs = [(np.flatnonzero(folds != n), np.flatnonzero(folds == n)) for n in range(4)]

    def features(X, y):
        return TextCNNTransformer(**options).fit_transform(dataset(X, y, folds)).data

    check_noise(features, pairs, X, y)


def test_a_whole_run_on_noise_predicts_nothing_out_of_fold():
    X, y = noise_table(400, 1)
    train = X.assign(number=np.random.default_rng(0).normal(size=400), target=y)
    fitted = automl(TextCNNFeatures("linear", others=LGBSimpleFeatures()))
    predicted = fitted.fit_predict(train, roles=roles("review", "target")).data[:, 0]
    low, high = permutation_interval(predicted, y, [(None, np.arange(400))])
    score = roc_auc_score(y, predicted)
    print(f"AUC of noise {score:.3f}, chance {low:.3f} to {high:.3f}")
    assert score <= high
