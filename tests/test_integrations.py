"""Adapters without their hosts: what they share, and the Driverless AI recipe on a stand-in."""

import importlib
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from checks import check_noise, noise_table, signal_table, tiny
from driverless_stub import RECIPE, check_recipe, load_recipe
from inside import assume_trial_seconds, forget_fits_of_hosts
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import textcnn
from textcnn import InSampleWarning, TextCNNEncoder, TextLinearEncoder
from textcnn.integrations import adapter, budget
from textcnn.integrations.adapter import HostFeatures, hide_targets, joint_rows, make_encoder

TINY = {"n_filters": 2, "kernel_sizes": (2,), "epochs": 1, "cv": 3, "n_networks": 1}


@pytest.fixture(autouse=True)
def nothing_kept():
    forget_fits_of_hosts()


@pytest.fixture
def fits(monkeypatch):
    """Count the fits of both encoders."""
    counts = {"cnn": 0, "linear": 0}

    def counted(name, original):
        def fit_transform(self, *args, **kwargs):
            counts[name] += 1
            return original(self, *args, **kwargs)

        return fit_transform

    for name, encoder in adapter.MEMBERS.items():
        monkeypatch.setattr(encoder, "fit_transform", counted(name, encoder.fit_transform))
    return counts


def test_a_function_is_not_known_by_its_name(fits):
    X, y = signal_table(90, 0)
    for _ in range(2):
        made = HostFeatures("linear", {"tokenizer": lambda text: text.split()})
        made.fit_transform(X, y)
    assert fits["linear"] == 2


def test_a_users_splitter_gets_no_implicit_groups():
    X, y = signal_table(90, 0)
    X = pd.concat([X, X.head(10)], ignore_index=True)
    made = HostFeatures("linear", {"cv": KFold(2, shuffle=True, random_state=0)})
    assert made.fit_transform(X, np.concatenate([y, y[:10]])).shape == (100, 1)


@pytest.mark.parametrize("options", [("cnn", TINY), ("linear", {"cv": 3}), (tiny(), None)])
def test_features_keep_names_and_index_and_new_rows_are_transformed(options):
    X, y = signal_table(120, 0)
    X.index = np.arange(120)[::-1] * 3
    made = HostFeatures(*options)
    features = made.fit_transform(X, y)
    assert features.index.equals(X.index)
    assert features.columns.tolist() == made.encoder_.get_feature_names_out().tolist()
    made.encoder_.report_.verify()
    new = pickle.loads(pickle.dumps(made)).transform(X.head(5))
    np.testing.assert_array_equal(new, made.encoder_.transform(X.head(5)))
    assert new.index.tolist() == X.index[:5].tolist()
    assert made.transform(X.head(0)).shape == (0, features.shape[1])


def test_a_linear_model_on_the_features_predicts_the_target():
    X, y = signal_table(400, 0)
    features = HostFeatures("linear").fit_transform(X, y)
    assert roc_auc_score(y, features.iloc[:, 0]) > 0.8
    # The same through the scikit-learn interface that hosts build on.
    other = make_pipeline(TextLinearEncoder(random_state=0), LogisticRegression()).fit(X, y)
    assert other.score(X.head(50), y[:50]) > 0.7


@pytest.mark.parametrize("options", [("linear", {}), ("cnn", TINY)])
@pytest.mark.parametrize("of_the_host", [True, False])
def test_features_of_noise_predict_nothing(options, of_the_host):
    X, y = noise_table(300, 0)
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    folds = np.empty(300, int)
    for number, (_, test) in enumerate(splits):
        folds[test] = number
    name, settings = options
    if not of_the_host:
        settings, folds = settings | {"cv": splits}, None

    def features(X, y):
        return HostFeatures(name, settings).fit_transform(X, y, folds=folds)

    check_noise(features, splits, X, y)


def test_rows_that_were_trained_on_give_a_warning():
    X, y = noise_table(150, 0)
    made = HostFeatures("linear")
    made.fit_transform(X, y)
    with pytest.warns(InSampleWarning):
        made.transform(X)


def test_the_folds_of_the_host_are_the_folds_of_the_encoder():
    X, y = signal_table(90, 0)
    folds = np.random.default_rng(0).permutation(np.arange(90) % 3)
    made = HostFeatures("linear")
    made.fit_transform(X, y, folds=folds)
    for number, assignment in enumerate(made.encoder_.report_.plan.assignments):
        assert assignment.predict.tolist() == np.flatnonzero(folds == number).tolist()
    with pytest.raises(ValueError, match="groups and folds"):
        made.fit_transform(X, y, folds=folds, groups=folds)


def test_equal_texts_stay_together_unless_groups_are_given():
    X, y = signal_table(90, 0)
    X = pd.concat([X, X.head(30)])
    y = np.append(y, y[:30])
    made = HostFeatures("linear")
    made.fit_transform(X, y)
    groups = made.encoder_.report_.plan.groups
    assert (groups[90:] == groups[:30]).all()
    customers = np.arange(120) // 4
    made.fit_transform(X, y, groups=customers)
    np.testing.assert_array_equal(made.encoder_.report_.plan.groups, customers)


def test_rows_are_joined_only_where_some_are_equal():
    assert joint_rows(pd.DataFrame({"text": ["a", "b", ""]})) is None
    equal = joint_rows(pd.DataFrame({"text": ["a", "b", "a", "", ""]}))
    assert equal[0] == equal[2] and len(set(equal)) == 4
    assert joint_rows(None, ["x", None, "x", None]).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1, 0],
        [0.5, 1.5, 2.5, 3.5],
        ["a", "b", "b", "a"],
        [True, False, True, False],
        pd.Categorical(["a", "b", "b", "a"]),
    ],
)
def test_hidden_targets_are_missing_and_the_others_stay(y):
    y = pd.Series(y)
    hidden = hide_targets(y, [1, 3])
    assert hidden.isna().tolist() == [False, True, False, True]
    assert hidden[0] == y[0] and hidden[2] == y[2]
    assert not y.isna().any()


def test_rows_without_a_target_teach_nothing_and_classes_stay_whole_numbers():
    X, y = signal_table(120, 0, n_classes=3)
    missing = y.astype(float)
    missing[::4] = np.nan  # what a host's table of whole numbers becomes
    made = HostFeatures("linear")
    features = made.fit_transform(X, missing)
    assert features.columns.tolist() == [f"review_linear_{label}" for label in range(3)]
    assert features.notna().all().all()
    labelled = made.encoder_.report_.plan.labelled
    assert labelled.tolist() == (~np.isnan(missing)).tolist()


def test_a_second_fit_on_equal_data_takes_the_first(fits):
    X, y = signal_table(90, 0)
    first, second = HostFeatures("linear"), HostFeatures("linear")
    features = first.fit_transform(X, y)
    again = second.fit_transform(X.set_index(np.arange(90) + 7), list(y))
    assert fits == {"cnn": 0, "linear": 1}
    np.testing.assert_array_equal(again, features)
    assert again.index[0] == 7
    again.iloc[:] = 0  # what a host does with its copy is its own affair
    np.testing.assert_array_equal(HostFeatures("linear").fit_transform(X, y), features)


@pytest.mark.parametrize("change", ["target", "text", "name", "parameter", "folds", "groups"])
def test_a_fit_on_other_data_is_a_new_fit(change, fits):
    X, y = signal_table(90, 0)
    HostFeatures("linear").fit_transform(X, y)
    fit_params, options = {}, {}
    if change == "target":
        y = np.append(y[:-1], 1 - y[-1])
    elif change == "text":
        X = X.assign(review=[*X["review"][:-1], "other"])
    elif change == "name":
        X = X.rename(columns={"review": "title"})
    elif change == "parameter":
        options = {"C": 1.0}
    else:
        fit_params = {change: np.arange(90) % 6}
    HostFeatures("linear", options).fit_transform(X, y, **fit_params)
    assert fits["linear"] == 2


def test_without_a_fixed_seed_nothing_is_reused(fits):
    X, y = signal_table(90, 0)
    for _ in range(2):
        HostFeatures("linear", {"random_state": None}).fit_transform(X, y)
    assert fits["linear"] == 2


def test_only_the_latest_fits_are_kept():
    kept = adapter.KeptFits(most=2)
    fits = {name: budget.Fit(name, np.zeros(1)) for name in "abc"}
    kept.put("a", fits["a"])
    kept.put("b", fits["b"])
    assert kept.get("a", None) is fits["a"]
    kept.put("c", fits["c"])
    assert kept.get("b", None) is None and kept.get("a", None) is fits["a"]


def test_a_shortened_fit_is_reused_only_without_more_time():
    kept = adapter.KeptFits(most=2)
    kept.put("a", budget.Fit("a", np.zeros(1), cut_to=5.0))
    assert kept.get("a", 4.0) is not None
    assert kept.get("a", 6.0) is None and kept.get("a", None) is None


def test_little_time_means_fewer_epochs_and_less_means_linear_models(monkeypatch):
    X, y = signal_table(90, 0)
    # Trial fits that tell: nothing once, one second per row and epoch.
    assume_trial_seconds(monkeypatch, 0.0, 1.0)
    settings = TINY | {"epochs": 9}
    epoch = 3 * 90
    with pytest.warns(budget.TimeLimitWarning, match="9 epochs would take .* Fitting 2"):
        made = HostFeatures("cnn", settings, time_share=0.5)
        made.fit_transform(X, y, time_limit=2 * 2.5 * epoch)
    assert isinstance(made.encoder_, TextCNNEncoder) and made.encoder_.epochs == 2
    with pytest.warns(budget.TimeLimitWarning, match="TextLinearEncoder instead"):
        made = HostFeatures("cnn", settings, time_share=0.5)
        features = made.fit_transform(X, 1 - y, time_limit=epoch)
    assert isinstance(made.encoder_, TextLinearEncoder) and made.encoder_.cv == 3
    assert features.columns.tolist() == ["review_linear"]


def test_time_enough_changes_nothing(fits):
    X, y = signal_table(90, 0)
    made = HostFeatures("cnn", TINY)
    made.fit_transform(X, y, time_limit=1e6)
    assert made.encoder_.epochs == 1 and fits["cnn"] == 3, "two trials and a fit"
    HostFeatures("cnn", TINY, time_share=None).fit_transform(X, y[::-1], time_limit=1e-6)
    assert fits["cnn"] == 4, "no limit, no trial"


def test_an_encoder_with_a_time_limit_gets_the_budget():
    class Timed(FunctionTransformer):
        def __init__(self, time_limit=None):
            super().__init__(feature_names_out="one-to-one")
            self.time_limit = time_limit

        def fit_transform(self, X, y=None, **fit_params):
            return super().fit_transform(X[["number"]])

        def get_feature_names_out(self, input_features=None):
            return ["number"]

    made = HostFeatures(Timed(), time_share=0.5)
    made.fit_transform(pd.DataFrame({"number": [1.0, 2.0]}), [0, 1], time_limit=60)
    assert made.encoder_.time_limit == 30


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("tfidf",), ValueError, "Received: encoder='tfidf'"),
        ((7,), TypeError, "Received: encoder=7"),
        (("cnn", {"n_filter": 3}), ValueError, "n_filter"),
    ],
)
def test_an_unknown_encoder_is_refused_before_any_data(arguments, error, message):
    with pytest.raises(error, match=message):
        HostFeatures(*arguments)


@pytest.mark.parametrize("time_share", [0, 1.5, "half", True])
def test_a_time_share_that_is_none_is_refused(time_share):
    with pytest.raises(ValueError, match="time_share"):
        HostFeatures("linear", time_share=time_share)


def test_a_missing_target_is_refused():
    with pytest.raises(ValueError, match="y=None"):
        HostFeatures("linear").fit_transform(pd.DataFrame({"text": ["a"]}), None)


def test_a_given_encoder_is_cloned_and_parameters_are_set():
    encoder = TextLinearEncoder(cv=4)
    made = make_encoder(encoder, {"C": 2.0})
    assert made is not encoder and (made.cv, made.C, encoder.C) == (4, 2.0, 3.0)
    assert make_encoder("cnn").missing_class == "drop"


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("autogluon", "TextCNNFeatureGenerator", {}),
        ("lightautoml", "TextCNNTransformer", {}),
        ("lightautoml", "TextCNNFeatures", {}),
        ("driverless", "TextCNNRecipe", {"labels": None}),
    ],
)
def test_an_adapter_imports_without_its_host_and_says_what_is_missing(module, name, arguments):
    adapter_class = getattr(importlib.import_module(f"textcnn.integrations.{module}"), name)
    with pytest.raises(ImportError, match="not installed"):
        adapter_class(**arguments)


@pytest.mark.parametrize("encoder", ["cnn", "linear"])
def test_the_recipe_follows_the_template(encoder, monkeypatch):
    recipe = load_recipe(monkeypatch)
    monkeypatch.setitem(adapter.MEMBERS, "cnn", lambda **given: tiny(**given))
    X, y = signal_table(120, 0)
    X.loc[3, "review"] = None
    with pytest.warns(InSampleWarning):  # the whole training frame is only transformed in there
        transformer, features = check_recipe(recipe, X, y, encoder=encoder)
    assert features.shape == (120, 1)
    assert transformer.features_.encoder_.report_.verify().plan.n_models == 5


@pytest.mark.parametrize(
    ("y", "n_features"),
    [
        (np.array(["no", "yes"] * 60), 1),
        (np.array(["a", "b", "c"] * 40), 3),
        (np.linspace(0, 1, 120), 1),
    ],
)
def test_the_recipe_takes_every_kind_of_target(y, n_features, monkeypatch):
    recipe = load_recipe(monkeypatch)
    X, _ = noise_table(120, 0)
    with pytest.warns(InSampleWarning):
        _, features = check_recipe(recipe, X, y, encoder="linear")
    assert features.shape == (120, n_features)


def test_the_recipe_on_noise_predicts_nothing(monkeypatch):
    recipe = load_recipe(monkeypatch)
    X, y = noise_table(300, 0)
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))

    def features(X, y):
        transformer, made = check_recipe(recipe, X, y, encoder="linear", cv=splits)
        return made

    with pytest.warns(InSampleWarning):
        check_noise(features, splits, X, y)


def test_the_recipe_asks_for_this_version(monkeypatch):
    assert load_recipe(monkeypatch)._modules_needed_by_name == [f"textcnn=={textcnn.__version__}"]
    imported = re.search(r"^(from|import) textcnn", RECIPE.read_text(), re.MULTILINE)
    assert not imported, "Driverless AI has not installed it yet"
