import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from checks import auc_of_ranks
from inside import resampled_scores
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold

import textcnn
from textcnn import InSampleWarning
from textcnn.command_line import comparison
from textcnn.command_line.comparison import (
    compare_text_features,
    comparison_report,
    text_stages,
    usable_columns,
)
from textcnn.command_line.main import main
from textcnn.datasets import make_reviews


class MeanTargetOfLength(TransformerMixin, BaseEstimator):
    """A quick stand-in: the out-of-fold mean target of texts of like length, per column."""

    def __init__(self, embeddings=None, target_type=None, random_state=None):
        self.embeddings = embeddings
        self.target_type = target_type
        self.random_state = random_state

    def fit(self, X, y):
        self.n_columns_ = X.shape[1]
        self.classes_ = np.unique(y)
        self.positive_ = y == self.classes_[-1]
        self.is_long_ = self._is_long(X)
        return self

    def fit_transform(self, X, y):
        self.fit(X, y)
        features = np.empty((len(X), self.n_columns_), dtype=np.float32)
        for train, test in KFold(3).split(X):
            features[test] = self._means(train)[self.is_long_[test].astype(int)][:, None]
        return features

    def transform(self, X):
        means = self._means(np.arange(len(self.is_long_)))
        return np.repeat(means[self._is_long(X).astype(int)][:, None], self.n_columns_, axis=1)

    def _is_long(self, X):
        return X.iloc[:, 0].fillna("").str.len().to_numpy() > 80

    def _means(self, rows):
        long, positive = self.is_long_[rows], self.positive_[rows]
        return np.array([positive[~long].mean(), positive[long].mean()], dtype=np.float32)


@pytest.fixture(scope="module")
def reviews():
    return make_reviews(400, random_state=2)


@pytest.fixture
def own_csv(tmp_path, reviews):
    path = tmp_path / "own table.csv"
    reviews.to_csv(path, index=False)
    return str(path)


@pytest.fixture
def quick_encoder(monkeypatch):
    """Let the demo use the stand-in instead of the network."""
    monkeypatch.setitem(vars(textcnn), "TextCNNEncoder", MeanTargetOfLength)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Resample test rows seldom, but in the test of the standard error."""
    monkeypatch.setattr(comparison, "N_RESAMPLES", 10)


def compare(table, target, **options):
    return compare_text_features(
        table,
        text_columns=["review"],
        target=target,
        other_columns=["category", "price"],
        stages=text_stages(["review"], encoders={"length, out of fold": MeanTargetOfLength()}),
        **options,
    )


def test_four_ways_are_compared_on_the_same_rows(reviews):
    results = compare(reviews, "recommended")
    assert list(results.index) == [
        "no text",
        "TF-IDF + SVD",
        "TF-IDF + logistic regression, out of fold",
        "length, out of fold",
    ]
    assert results["text_features"].tolist() == [0, 30, 1, 1]
    assert results["test_auc"].between(0, 1).all()
    assert (results["processor_seconds"] > 0).all()
    assert results["error"].between(0.01, 0.1).all()
    again = compare(reviews, "recommended")
    assert again["test_auc"].tolist() == results["test_auc"].tolist()
    other_split = compare(reviews, "recommended", random_state=1)
    assert other_split["test_auc"].tolist() != results["test_auc"].tolist()


def test_several_classes_and_string_labels(reviews):
    opinions = pd.cut(reviews["rating"], [0, 2.5, 4, 5], labels=["poor", "fair", "fine"])
    results = compare(reviews.assign(opinion=opinions.astype(str)), "opinion")
    assert results["text_features"].tolist() == [0, 30, 3, 1]
    assert results["test_auc"].between(0, 1).all()


def test_the_winner_is_whoever_it_is():
    aucs = {"no text": 0.6, "TF-IDF + SVD": 0.81, "TextCNNEncoder, out of fold": 0.8}
    results = pd.DataFrame(
        {"test_auc": aucs.values(), "error": 0.01, "processor_seconds": 1.0}, index=list(aucs)
    )
    lines = comparison_report(results).splitlines()
    assert lines[-1] == "Highest test AUC: TF-IDF + SVD, 0.010 above TextCNNEncoder, out of fold."
    assert len({len(line) for line in lines[:-1]}) == 1


@pytest.mark.parametrize(
    ("aucs", "error", "end"),
    [
        ([0.9, 0.904], 0.012, "one is not significant (0.004 ± 0.012 standard error)."),
        ([0.9, 0.9004], 0.001, "one is not significant (0.000 ± 0.001 standard error)."),
        ([0.9, 0.9], 0.0, "two is not significant (0.000 ± 0.000 standard error)."),
        ([0.9, 0.923], 0.012, "two, but its lead over one is not significant (0.023 ± 0.012"),
        ([0.9, 0.926], 0.012, "two, 0.026 ± 0.012 (standard error) above one."),
    ],
)
def test_a_lead_within_two_standard_errors_is_not_significant(aucs, error, end):
    results = pd.DataFrame(
        {"test_auc": aucs, "error": 0.01, "processor_seconds": 1.0}, index=["one", "two"]
    )
    results.attrs["lead_error"] = error
    assert end in comparison_report(results).splitlines()[-1]


def test_the_standard_error_of_a_lead_is_that_of_its_spread_over_test_sets(monkeypatch):
    """Against fresh draws of test rows; pairs that agree have a small error, equal ones none."""
    monkeypatch.setattr(comparison, "N_RESAMPLES", 100)
    random = np.random.default_rng(0)

    def draw():
        y = np.arange(300) % 2
        shared = y + random.normal(size=300)
        return y, [shared + 0.5 * random.normal(size=300) for _ in range(2)]

    pairs = [draw() for _ in range(300)]
    spread = np.std(
        [np.diff([auc_of_ranks(rankdata(scores), y) for scores in pair]) for y, pair in pairs]
    )

    def lead_error(y, pair, seed):
        first, second = (resampled_scores(y, scores, "test_auc", seed) for scores in pair)
        return np.std(first - second, ddof=1)

    errors = [lead_error(*draw(), seed) for seed in range(3)]
    assert 0.75 < np.mean(errors) / spread < 1.3
    y, (a, _) = draw()
    assert lead_error(y, [a, a], 0) == 0.0


def test_lines_are_shown_as_they_are_made(reviews):
    shown, seen = [], []

    class Watching(MeanTargetOfLength):
        def fit_transform(self, X, y):
            seen.append(list(shown))
            return super().fit_transform(X, y)

    encoders = {"first": Watching(), "second": Watching()}
    results = compare_text_features(
        reviews,
        text_columns=["review"],
        target="recommended",
        other_columns=["price"],
        stages=text_stages(["review"], encoders=encoders),
        show=shown.append,
    )
    assert "\n".join(shown) == comparison_report(results)
    assert results.attrs["lead_error"] > 0
    assert [len(lines) for lines in seen] == [4, 5]
    assert seen[1][-1].startswith("first ")


def test_one_way_has_no_rival(reviews):
    results = compare_text_features(
        reviews,
        text_columns=["review"],
        target="recommended",
        other_columns=["price"],
        stages={"no text": []},
    )
    assert len(results) == 1 and "lead_error" not in results.attrs


def test_the_linear_way_is_out_of_fold_on_training_rows(reviews):
    """On random targets a model trained on the rows ranks them; an out-of-fold model cannot."""
    noise = np.random.default_rng(0).integers(0, 2, len(reviews))
    [(_, linear, _)] = text_stages(["review"])["TF-IDF + logistic regression, out of fold"]
    out_of_fold = linear.fit_transform(reviews["review"], noise)[:, 0]
    with pytest.warns(InSampleWarning):
        in_sample = linear.transform(reviews["review"])[:, 0]
    assert np.corrcoef(in_sample, noise)[0, 1] > 0.8
    assert abs(np.corrcoef(out_of_fold, noise)[0, 1]) < 0.2


def test_columns_of_many_values_are_left_out(reviews):
    table = reviews.assign(number=range(len(reviews)), code=[f"c{i}" for i in range(len(reviews))])
    usable = usable_columns(table, exclude=["review", "recommended"])
    assert "code" not in usable
    assert {"category", "price", "number"} <= set(usable)


def test_nearly_empty_columns_are_left_out():
    table = pd.DataFrame({"few": [1.0] * 19 + [np.nan] * 31, "enough": [1.0] * 20 + [np.nan] * 30})
    assert usable_columns(table, exclude=[]) == ["enough"]


def test_demo_compares_on_the_bundled_table(quick_encoder, capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "3,000 synthetic product reviews" in out
    assert "favours models that use word order, by design" in out
    assert "TextCNNEncoder, out of fold" in out
    assert "Highest test AUC: " in out
    assert out.rstrip().splitlines()[-5] == "Next steps"


def test_demo_goes_on_with_your_own_table(quick_encoder, own_csv, capsys):
    arguments = ["demo", "--csv", own_csv, "--text", "review", "--target", "recommended"]
    assert main([*arguments, "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert out.count("Highest test AUC: ") == 2
    assert "own table.csv: 400 rows, target 'recommended'" in out
    assert "delivery_days, rating_count, verified, rating.\n" in out


def test_only_the_own_table_is_compared_where_asked_for(quick_encoder, own_csv, capsys):
    arguments = ["demo", "--only-csv", "--csv", own_csv, "--text", "review"]
    assert main([*arguments, "--target", "recommended"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{own_csv}: 400 rows")
    assert out.count("Highest test AUC: ") == 1
    assert "synthetic" not in out


def test_what_the_demo_prints_for_a_table_with_unusable_columns(
    quick_encoder, tmp_path, reviews, capsys
):
    table = reviews.assign(
        code=[f"c{i}" for i in range(len(reviews))], empty=np.nan, flag=[True, None] * 200
    )
    table.loc[:20, "recommended"] = np.nan
    assert run_demo(table, tmp_path, "--target", "recommended") == 0
    out = capsys.readouterr().out
    assert "t.csv: 379 rows" in out
    assert (
        "Unused columns (more than 255 different values, or almost empty): date, code, empty."
        in out
    )


def run_demo(table, tmp_path, *options, **written):
    """Run the demo on a table alone; return its status."""
    table.to_csv(tmp_path / "t.csv", **{"index": False} | written)
    arguments = ["demo", "--only-csv", "--csv", str(tmp_path / "t.csv"), "--text", "review"]
    return main([*arguments, *options])


def test_row_numbers_are_left_out_and_what_tells_the_target_is_named(
    quick_encoder, tmp_path, reviews, capsys
):
    """A file that was written with its index, sorted by the target."""
    table = reviews.sort_values("recommended").reset_index(drop=True)
    table["rank"] = table.index * 2.0
    assert run_demo(table, tmp_path, "--target", "recommended", index=True) == 0
    said = capsys.readouterr()
    assert "Unused row numbers: Unnamed: 0.\n" in said.out
    assert said.err.count("\n") == 1 and "column 'rank' alone predicts the target (AUC" in said.err
    assert "--drop 'rank'" in said.err
    options = ["--target", "recommended", "--drop", "rank", "--drop", "rating"]
    assert run_demo(table, tmp_path, *options, index=True) == 0
    said = capsys.readouterr()
    assert not said.err and "rank" not in said.out and "rating," not in said.out


def test_a_copy_of_the_target_is_refused(tmp_path, reviews, capsys):
    assert run_demo(reviews.assign(y=reviews["recommended"]), tmp_path, "--target", "y") == 2
    assert "column 'recommended' equals the target" in capsys.readouterr().err


def test_numbers_as_targets_and_several_texts(quick_encoder, tmp_path, reviews, capsys):
    """A table as Excel writes it where the decimal point is a comma."""
    table = reviews.assign(title=reviews["review"].str.slice(0, 60))
    options = ["--text", "title", "--target", "price", "--target-type", "continuous"]
    form = {"sep": ";", "decimal": ",", "encoding": "utf-16"}
    assert run_demo(table, tmp_path, *options, "--decimal", ",", **form) == 0
    out = capsys.readouterr().out
    assert "test R²" in out and "TF-IDF + ridge regression, out of fold" in out
    assert "delivery_days, rating_count, verified, rating, recommended.\n" in out
    assert run_demo(table, tmp_path, *options, **form) == 2
    assert "is not a number" in (said := capsys.readouterr().err) and "Type --decimal ," in said


def test_codes_stay_categories(quick_encoder, tmp_path, reviews, capsys):
    """01 and 1 are two classes, and NA is a missing target in every command."""
    classes = np.resize(["01", "1", "NA"], len(reviews))
    assert run_demo(reviews.assign(y=classes), tmp_path, "--target", "y") == 0
    assert f"{2 * len(reviews) // 3 + 1} rows, target 'y'" in capsys.readouterr().out


def broken(name):
    """Arguments and the words that the one line of the error must hold."""
    return pytest.param(*CASES[name], id=name)


CASES = {
    "no such file": (["--csv", "absent.csv", "--text", "a", "--target", "b"], "absent.csv"),
    "columns missing": (["--csv", "{own}"], "--text COLUMN --target COLUMN"),
    "only no table": (["--only-csv"], "--csv FILE"),
    "table missing": (["--text", "review"], "--csv FILE"),
    "near column": (
        ["--csv", "{own}", "--text", "reviews", "--target", "recommended"],
        "no column 'reviews'. Did you mean 'review'?",
    ),
    "far column": (
        ["--csv", "{own}", "--text", "xyzzy", "--target", "recommended"],
        "Its columns: date, customer,",
    ),
    "same column": (
        ["--csv", "{own}", "--text", "review", "--target", "review"],
        "the same column, 'review'",
    ),
    "continuous target": (
        ["--csv", "{own}", "--text", "review", "--target", "price"],
        "may be quantities or classes: 'price' with",
    ),
    "one class": (["--csv", "{own}", "--text", "review", "--target", "one"], "1 different"),
    "rare class": (
        ["--csv", "{own}", "--text", "review", "--target", "rare"],
        "at least 20 rows. Received: class 'b' of 'rare' with 3",
    ),
    "labels for text": (
        ["--csv", "{own}", "--text", "category", "--target", "recommended"],
        "'category' does not look like text",
    ),
    "few rows": (["--csv", "{few}", "--text", "review", "--target", "recommended"], "50 rows"),
    "infinite": (
        ["--csv", "{infinite}", "--text", "review", "--target", "recommended"],
        "column 'price' contains infinite numbers",
    ),
    "empty file": (["--csv", "{empty}", "--text", "a", "--target", "b"], "is empty"),
    "semicolons, few rows": (
        ["--csv", "{semicolons}", "--text", "a", "--target", "b"],
        "at least 200 rows with a target. Received: 2",
    ),
    "tabs, another name": (
        ["--csv", "{tabs}", "--text", "aa", "--target", "b"],
        "no column 'aa'. Did you mean 'a'?",
    ),
    "not text": (["--csv", "{binary}", "--text", "a", "--target", "b"], "UTF-8"),
    "torn archive": (["--csv", "{torn}", "--text", "a", "--target", "b"], "torn.csv.gz"),
    "folder": (["--csv", "{folder}", "--text", "a", "--target", "b"], "binary.csv"),
    "empty folder": (["--csv", "{void}", "--text", "a", "--target", "b"], "contains no part"),
    "two uses": (
        ["--csv", "{own}", "--text", "review", "--target", "one", "--drop", "one"],
        "--drop names a column that another option names, 'one'",
    ),
}


@pytest.mark.parametrize(("arguments", "words"), [broken(name) for name in CASES])
def test_bad_input_gets_one_line_and_status_2(arguments, words, tmp_path, reviews, capsys):
    places = {"own": tmp_path / "own.csv", "few": tmp_path / "few.csv", "folder": tmp_path}
    rare = ["b"] * 3 + ["a"] * (len(reviews) - 3)
    reviews.assign(one="same", rare=rare).to_csv(places["own"], index=False)
    reviews.head(50).to_csv(places["few"], index=False)
    places["infinite"] = tmp_path / "infinite.csv"
    reviews.assign(price=[np.inf, *reviews["price"][1:]]).to_csv(places["infinite"], index=False)
    places["empty"] = tmp_path / "empty.csv"
    places["empty"].write_text("")
    places["semicolons"] = tmp_path / "semicolons.csv"
    places["semicolons"].write_text("a;b\ngood;1\nbad, so bad, really;0\n")
    places["void"] = tmp_path / "void"
    places["void"].mkdir()
    places["tabs"] = tmp_path / "tabs.csv"
    places["tabs"].write_text("a\tb\ngood\t1\n")
    places["binary"] = tmp_path / "binary.csv"
    places["binary"].write_bytes(b"a,b\n\xff\xfe\x80,1\n")
    places["torn"] = tmp_path / "torn.csv.gz"
    reviews.to_csv(places["torn"], index=False)
    places["torn"].write_bytes(places["torn"].read_bytes()[:300])

    assert main(["demo", *(argument.format(**places) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("textcnn: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err


@pytest.mark.parametrize("arguments", [[], ["paint"], ["demo", "--seed", "-1"], ["demo", "--x"]])
def test_unknown_commands_and_options_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: textcnn" in capsys.readouterr().err


def test_help_names_the_options(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--csv", "--text", "--target", "--seed"))


@pytest.mark.parametrize("seed", ["x", "1.5", "", "-1", str(2**32)])
def test_an_invalid_seed_is_refused(seed, capsys):
    with pytest.raises(SystemExit):
        main(["demo", f"--seed={seed}"])
    message = f"argument --seed: expected an integer from 0 to 4294967295. Received: {seed}"
    assert message in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"textcnn {textcnn.__version__}\n"


def test_the_command_line_starts_without_heavy_imports():
    code = (
        "import sys, textcnn.command_line.main, textcnn.datasets, textcnn.command_line.comparison\n"
        "print({'tensorflow', 'keras', 'gensim', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "set()\n"
