"""The models for MulTaBench against the base classes of its wheel."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from textcnn import TableFeatures

pytest.importorskip("multabench")
pytest.importorskip("lightgbm")
pytest.importorskip("catboost")

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# What LightGBM, CatBoost and the wheel warn of.
pytestmark = pytest.mark.filterwarnings("ignore")


def module_of(name):
    """Import a file of benchmarks/ under another name; one there has the name of the package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def models():
    with module_of("multabench_import").stand_ins():
        return module_of("multabench_model")


def table(n_rows, seed, target):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n_rows)
    words = np.array([["bad", "awful", "dull"], ["good", "great", "fine"]])
    fillers = ["film", "plot", "cast", "scene"]
    texts = [
        " ".join([*random.choice(fillers, 4), words[label, random.integers(3)]]) for label in y
    ]
    X = pd.DataFrame(
        {
            "review": np.array(texts, dtype=object),
            "kind": pd.Categorical(random.choice(["a", "b"], n_rows)),
            "price": random.normal(size=n_rows),
            "title": random.choice(fillers, n_rows).astype(object),
        },
        index=np.arange(n_rows) + 1000 * seed,
    )
    X.loc[X.index[3], "title"] = np.nan
    values = {
        "regression": y * 2.0 + random.normal(size=n_rows),
        "binary": y,
        "multiclass": y + random.integers(0, 2, n_rows),
    }[target]
    return X, pd.Series(values, index=X.index, name="y")


@pytest.mark.parametrize("learner", ["LightGBM", "CatBoost"])
@pytest.mark.parametrize("target", ["regression", "binary", "multiclass"])
def test_training_rows_get_out_of_fold_features(models, learner, target, monkeypatch, tmp_path):
    from multabench.baselines.preprocessing.validation import split_to_val
    from multabench.datasets.objects import SupervisedTask

    monkeypatch.chdir(tmp_path)
    form = getattr(models, f"TextCNN{learner}")
    monkeypatch.setattr(form, "MEMBERS", ("linear",))
    seen = {}
    fit_model = form.fit_model

    def remembering(self, **tables):
        seen.update(tables)
        fit_model(self, **tables)

    monkeypatch.setattr(form, "fit_model", remembering)
    X, y = table(150, 1, target)
    new, new_y = table(60, 2, target)
    model = form(problem_type=SupervisedTask[target.upper()], device="cpu")
    size = {"n_estimators": 10} if learner == "LightGBM" else {"iterations": 10}
    model.model_.set_params(**size)
    model.fit(X, y)
    is_classes = target != "regression"
    train, validation, train_y, _ = split_to_val(x=X, y=y, is_cls=is_classes)
    columns = ["review", "title"]
    target_type = {"regression": "continuous"}.get(target, target)
    alone = TableFeatures(("linear",), columns=columns, target_type=target_type, random_state=42)
    expected = alone.fit_transform(train[columns], train_y)
    names = expected.columns.tolist()
    assert len(names) == (6 if target == "multiclass" else 2)
    pd.testing.assert_frame_equal(seen["x_train"][names], expected)
    pd.testing.assert_frame_equal(seen["x_val"][names], alone.transform(validation[columns]))
    assert not set(columns) & set(seen["x_train"])
    assert set(seen["x_train"]) == {"kind", "price", *names}
    scored = model.score_all_metrics(X=new, y=new_y)
    assert np.isfinite(scored["test_error"])
    if target == "binary":
        assert scored["test_error"] < 0.1, "one minus ROC AUC"
    assert model.predict(new).shape == ((60, 3) if target == "multiclass" else (60,))


def test_a_table_without_text_is_left_to_the_model(models, monkeypatch, tmp_path):
    from multabench.datasets.objects import SupervisedTask

    monkeypatch.chdir(tmp_path)
    X, y = table(100, 1, "regression")
    X = X[["kind", "price"]]
    ours, plain = (
        form(problem_type=SupervisedTask.REGRESSION, device="cpu")
        for form in (models.TextCNNLightGBM, models.LightGBM)
    )
    for model in (ours, plain):
        model.model_.set_params(n_jobs=1)
        model.fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), plain.predict(X))


def test_the_models_are_what_a_pull_request_needs(models):
    from multabench.baselines.abstract_model import TabularModel

    forms = (models.TextCNNLightGBM, models.TextCNNCatBoost)
    for form in forms:
        assert issubclass(form, TabularModel)
        assert not form.USE_TEXT_EMBEDDINGS and not form.NEEDS_GPU
        assert form.USE_VAL_SPLIT and form.USE_TARGET_ENCODER
    assert len({form.MODEL_NAME for form in forms} | {form.SHORT_NAME for form in forms}) == 4


def test_the_benchmark_on_a_folder(tmp_path):
    from multabench.datasets.all_datasets import MulTaBenchDatasetID

    name = "REG_TEXT_RAMEN_RATINGS"
    folder = tmp_path / "data" / MulTaBenchDatasetID[name].value
    folder.mkdir(parents=True)
    X, y = table(120, 1, "regression")
    X.assign(Stars=y).to_parquet(folder / "data.parquet")
    about = {"slug": folder.name, "target": "Stars", "image_col": None, "task_type": "reg"}
    about |= {"num_rows": 120, "rows_expected": 4105}
    (folder / "metadata.json").write_text(json.dumps(about))
    command = [sys.executable, str(BENCHMARKS / "multabench.py"), "--data", str(tmp_path / "data")]
    command += ["--folds", "0", "1", "--text", "ours", "tfidf", "none", "--members", "linear"]
    results = tmp_path / "results.jsonl"
    for _ in range(2):  # the second run has nothing to do
        done = subprocess.run(
            [*command, "--results", str(results)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        assert len(lines) == 6
    assert {line["text"] for line in lines} == {
        "TableFeatures (linear)",
        "StringEncoder",
        "no text",
    }
    assert all(line["seconds"] >= line["encoder_seconds"] >= 0 for line in lines)
    assert f"{name} (other rows)" in done.stdout
    assert "Ahead of StringEncoder on" in done.stdout and "e5-small tuned on" in done.stdout


def test_the_benchmark_without_its_data_says_what_it_needs(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "multabench.py"), "--data", str(tmp_path / "no")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "MULTABENCH_DATA" in done.stderr
