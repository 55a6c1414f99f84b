"""Complete AutoGluon fits with text features for all models, and for each model."""

import numpy as np
import pandas as pd
import pytest
from autogluon.features.generators import AutoMLPipelineFeatureGenerator
from autogluon.tabular import TabularPredictor
from checks import check_noise, noise_table, permutation_interval
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from tables import SMALL, TARGET, clothing

from textcnn import InSampleWarning, TextCNNEncoder, TextLinearEncoder
from textcnn.integrations import adapter
from textcnn.integrations.autogluon import TextCNNFeatureGenerator
from textcnn.integrations.budget import TimeLimitWarning

NAME = "textcnn.integrations.autogluon:TextCNNFeatureGenerator"
BAGGING = {
    "num_bag_folds": 3,
    "num_stack_levels": 0,
    "dynamic_stacking": False,
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
}


@pytest.fixture(autouse=True)
def no_cached_fits():
    adapter._kept_fits.clear()


@pytest.fixture
def linear_fits(monkeypatch):
    """Number of rows of each fit of a TextLinearEncoder."""
    sizes = []
    original = TextLinearEncoder.fit_transform

    def counted(self, X, y, **options):
        sizes.append(len(X))
        return original(self, X, y, **options)

    monkeypatch.setattr(TextLinearEncoder, "fit_transform", counted)
    return sizes


def pipeline(generator):
    return AutoMLPipelineFeatureGenerator(
        custom_feature_generators=[generator], enable_text_ngram_features=False, verbosity=0
    )


def raw_text():
    return AutoMLPipelineFeatureGenerator(
        enable_raw_text_features=True, enable_text_ngram_features=False, verbosity=0
    )


def per_model(options, **changes):
    """Return hyperparameters of a small LightGBM with its own feature generator."""
    return {
        "num_boost_round": 30,
        "ag.model_specific_feature_generator_kwargs": {
            "feature_generators": [[[NAME, options]]],
            "passthrough_types": {"invalid_raw_types": ["object"]},
        },
        "ag.get_features_kwargs": {},
        **changes,
    }


def predictor(path, label=TARGET):
    return TabularPredictor(label, path=str(path), eval_metric="roc_auc", verbosity=0)


def own_features(fitted, model):
    """Return the columns that the children of a bagged model were fitted on."""
    bag = fitted._trainer.load_model(model)
    return [bag.load_child(child)._features_internal for child in bag.models]


def test_a_whole_fit_with_features_for_all_models_is_saved_and_loaded(tmp_path):
    train, test = clothing(400, 200)
    generator = TextCNNFeatureGenerator(encoder_params=SMALL)
    fitted = predictor(tmp_path / "models").fit(
        train, feature_generator=pipeline(generator), hyperparameters={"GBM": {}}, **BAGGING
    )
    predicted = fitted.predict_proba(test)
    assert predicted.shape == (200, 2) and np.isfinite(predicted.to_numpy()).all()
    loaded = TabularPredictor.load(str(tmp_path / "models"))
    pd.testing.assert_frame_equal(loaded.predict_proba(test), predicted)
    # Bagged models would drop a column of AutoGluon's special type "stack".
    for columns in own_features(fitted, "LightGBM_BAG_L1"):
        assert "review_text_cnn" in columns


def test_the_network_is_fitted_inside_each_bagging_fold(tmp_path, monkeypatch):
    sizes = []
    original = TextCNNEncoder.fit_transform

    def counted(self, X, y, **options):
        sizes.append(len(X))
        return original(self, X, y, **options)

    monkeypatch.setattr(TextCNNEncoder, "fit_transform", counted)
    train, test = clothing(300, 100)
    fitted = predictor(tmp_path / "models").fit(
        train,
        feature_generator=raw_text(),
        hyperparameters={"GBM": per_model({"encoder_params": SMALL})},
        **BAGGING,
    )
    assert sorted(sizes) == [200, 200, 200], "three folds of two thirds of the rows, each once"
    for columns in own_features(fitted, "LightGBM_BAG_L1"):
        assert {"age", "department", "review_text_raw_text_cnn"} <= set(columns)
        assert "review_text_raw_text" not in columns
    assert np.isfinite(fitted.predict_proba(test).to_numpy()).all()


def test_the_text_improves_the_score_on_a_real_table(tmp_path):
    train, test = clothing(1500, 1500)
    scores = {}
    ways = {
        "no text": (None, {}),
        "all models": (TextCNNFeatureGenerator("linear"), {}),
        "each model": (None, per_model({"encoder": "linear"})),
    }
    for way, (generator, settings) in ways.items():
        columns = ["age", "department", TARGET] if way == "no text" else list(train)
        features = pipeline(generator) if generator else raw_text()
        fitted = predictor(tmp_path / way.replace(" ", "_")).fit(
            train[columns],
            feature_generator=features,
            hyperparameters={"GBM": {"num_boost_round": 30, **settings}},
            **BAGGING,
        )
        predicted = fitted.predict_proba(test)[1]
        scores[way] = roc_auc_score(test[TARGET], predicted)
    print("test AUC", {way: round(score, 3) for way, score in scores.items()})
    assert scores["all models"] > scores["no text"] + 0.1
    assert scores["each model"] > scores["no text"] + 0.1


def test_without_double_brackets_a_model_gets_only_the_text(tmp_path, linear_fits):
    train, _ = clothing(200, 10)
    settings = per_model({"encoder": "linear"}, num_boost_round=5)
    settings["ag.model_specific_feature_generator_kwargs"] = {
        "feature_generators": [[NAME, {"encoder": "linear"}]],
        "passthrough_types": {"invalid_raw_types": ["category", "object"]},
    }
    fitted = predictor(tmp_path / "models").fit(
        train, feature_generator=raw_text(), hyperparameters={"GBM": settings}, **BAGGING
    )
    assert len(linear_fits) == 3
    for columns in own_features(fitted, "LightGBM_BAG_L1"):
        assert columns == ["review_text_raw_text_linear"]


def test_prep_params_on_lightgbm_are_ignored(tmp_path, linear_fits):
    train, _ = clothing(200, 10)
    settings = {"num_boost_round": 5, "ag.prep_params": [[[NAME, {"encoder": "linear"}]]]}
    predictor(tmp_path / "models").fit(
        train, feature_generator=raw_text(), hyperparameters={"GBM": settings}, **BAGGING
    )
    assert linear_fits == []


def test_a_second_model_on_the_same_data_reuses_the_first_fit(tmp_path, linear_fits):
    train, _ = clothing(300, 10)
    models = [per_model({"encoder": "linear"}, num_leaves=leaves) for leaves in (7, 15)]
    fitted = predictor(tmp_path / "models").fit(
        train, feature_generator=raw_text(), hyperparameters={"GBM": models}, **BAGGING
    )
    assert len([name for name in fitted.model_names() if name.startswith("LightGBM")]) == 2
    assert linear_fits == [200, 200, 200]


def test_tuning_rows_can_be_treated_as_unlabelled(tmp_path):
    train, tuning = clothing(300, 100)
    generator = TextCNNFeatureGenerator("linear", n_tuning_rows=len(tuning))
    fitted = predictor(tmp_path / "models").fit(
        train,
        tuning_data=tuning,
        feature_generator=pipeline(generator),
        hyperparameters={"GBM": {"num_boost_round": 5}},
    )
    encoder = own_generator(fitted).encoder_
    labelled = encoder.report_.plan.labelled
    assert labelled[:300].all() and not labelled[300:].any() and len(labelled) == 400


def own_generator(fitted):
    """Return our generator from a predictor's fitted pipeline."""
    groups = fitted._learner.feature_generator.generators
    found = [g for group in groups for g in group if isinstance(g, TextCNNFeatureGenerator)]
    assert len(found) == 1
    return found[0]


def test_rows_without_a_label_get_features_but_are_not_trained_on(tmp_path):
    train, _ = clothing(300, 10)
    y = train[TARGET].astype(float)
    y.iloc[::5] = np.nan
    X = train.drop(columns=TARGET)
    generator = TextCNNFeatureGenerator("linear")
    features = pipeline(generator).fit_transform(X, y, problem_type="binary")
    assert features["review_text_linear"].notna().all()
    assert generator.encoder_.report_.plan.labelled.tolist() == y.notna().tolist()
    # AutoGluon itself refuses unlabelled training rows but appends ``unlabeled_data``.
    unlabelled = train.iloc[:50].drop(columns=TARGET)
    fitted = predictor(tmp_path / "models").fit(
        train.iloc[50:],
        unlabeled_data=unlabelled,
        feature_generator=pipeline(TextCNNFeatureGenerator("linear")),
        hyperparameters={"GBM": {"num_boost_round": 5}},
    )
    labelled = own_generator(fitted).encoder_.report_.plan.labelled
    assert labelled[:250].all() and not labelled[250:].any() and len(labelled) == 300


def test_groups_stay_together_although_the_host_removes_its_own_column(tmp_path):
    train, _ = clothing(300, 10)
    train["customer"] = np.arange(300) % 30
    train["fold"] = train["customer"] % 3
    generator = TextCNNFeatureGenerator("linear", groups_column="customer")
    fitted = TabularPredictor(
        TARGET, path=str(tmp_path / "models"), eval_metric="roc_auc", groups="fold", verbosity=0
    ).fit(
        train,
        feature_generator=pipeline(generator),
        hyperparameters={"GBM": {"num_boost_round": 5}},
        num_bag_folds=3,
        dynamic_stacking=False,
        ag_args_ensemble={"fold_fitting_strategy": "sequential_local"},
    )
    encoder = own_generator(fitted).encoder_
    plan = encoder.report_.plan
    assert pd.factorize(plan.groups)[0].tolist() == train["customer"].tolist()
    for assignment in plan.assignments:
        assert not np.intersect1d(
            plan.groups[assignment.learn], plan.groups[assignment.predict]
        ).size
    new = train.drop(columns=[TARGET, "customer", "fold"]).head(5)
    assert own_generator(fitted).transform(new).shape == (5, 1), "new rows need no group"


def test_copies_of_rare_classes_stay_together(tmp_path):
    train, _ = clothing(300, 10)
    train[TARGET] = train[TARGET].map({0: "no", 1: "yes"})
    train.loc[7, TARGET] = "rare"  # AutoGluon duplicates it for bagging with log-loss
    fitted = TabularPredictor(
        TARGET, path=str(tmp_path / "models"), eval_metric="log_loss", verbosity=0
    ).fit(
        train,
        feature_generator=pipeline(TextCNNFeatureGenerator("linear")),
        hyperparameters={"GBM": {"num_boost_round": 5}},
        **BAGGING,
    )
    plan = own_generator(fitted).encoder_.report_.plan
    assert plan.n_rows == 301
    assert plan.groups[300] == plan.groups[7]


def test_a_short_time_limit_is_met_by_fitting_less_with_a_warning(tmp_path):
    train, _ = clothing(300, 10)
    generator = TextCNNFeatureGenerator(time_share=0.5)
    with pytest.warns(TimeLimitWarning, match="this step's share of the host's time limit"):
        fitted = predictor(tmp_path / "models").fit(
            train,
            feature_generator=pipeline(generator),
            hyperparameters={"GBM": {"num_boost_round": 5}},
            time_limit=600,
            time_limit_preprocessing=2,
        )
    assert isinstance(own_generator(fitted).encoder_, TextLinearEncoder)


def test_a_pipeline_that_is_already_fitted_only_transforms_and_warns(tmp_path):
    train, _ = clothing(300, 10)
    outer = pipeline(TextCNNFeatureGenerator("linear"))
    outer.fit_transform(train.drop(columns=TARGET), train[TARGET], problem_type="binary")
    with pytest.warns(InSampleWarning, match="rows that this TextLinearEncoder was fitted on"):
        predictor(tmp_path / "models").fit(
            train, feature_generator=outer, hyperparameters={"GBM": {"num_boost_round": 5}}
        )


@pytest.mark.parametrize("options", [{"encoder": "linear"}, {"encoder_params": SMALL}])
def test_features_of_noise_predict_nothing(options):
    X, y = noise_table(400, 0)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(X, y))

    def features(X, y):
        changes = options.get("encoder_params", {}) | {"cv": folds}
        generator = TextCNNFeatureGenerator(**(options | {"encoder_params": changes}))
        made = pipeline(generator).fit_transform(X, pd.Series(y), problem_type="binary")
        return made.filter(regex="_(linear|cnn)$")

    check_noise(features, folds, X, y)


@pytest.mark.parametrize("way", ["all models", "each model"])
def test_a_whole_fit_on_noise_predicts_nothing_out_of_fold(tmp_path, way):
    X, y = noise_table(400, 1)
    train = X.assign(number=np.random.default_rng(0).normal(size=400), target=y)
    if way == "all models":
        features, settings = pipeline(TextCNNFeatureGenerator("linear")), {}
    else:
        features, settings = raw_text(), per_model({"encoder": "linear"})
    fitted = predictor(tmp_path / "models", "target").fit(
        train, feature_generator=features, hyperparameters={"GBM": settings}, **BAGGING
    )
    predicted = fitted.predict_proba_oof("LightGBM_BAG_L1")[1].to_numpy()
    whole = [(None, np.arange(400))]
    low, high = permutation_interval(predicted, y, whole)
    score = roc_auc_score(y, predicted)
    print(f"{way}: AUC of noise {score:.3f}, chance {low:.3f} to {high:.3f}")
    assert score <= high
