"""Measure whether out-of-fold features of noise reveal targets, and write benchmarks/LEAKS.md.

X is text of random words, independent of y; the base rate of y differs between groups, or drifts,
or y is sorted. So every association of a feature with y over all rows is a leak, and only the mean
target of the held-out rows of a fold model can leak. Rows are scored together, over all folds: ROC
AUC minus ½ (of the worst class or label) or rank correlation.

    python benchmarks/leaks.py [--replicates 40] [--only logistic] [--write]
"""

from __future__ import annotations

import argparse
import datetime
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import machine_line
from scipy.stats import norm, rankdata, t
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as LDA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis as QDA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDClassifier,
)
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, TimeSeriesSplit
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from textcnn import OutOfFoldEncoder, TextCNNClassifier, TextCNNEncoder, TextLinearEncoder

ENCODERS = (TextLinearEncoder, TextCNNEncoder)
RESULTS = Path(__file__).parent / "LEAKS.md"
N_ROWS, N_WORDS, WORDS_PER_TEXT = 300, 150, 15
SPLITS = ("unequal groups", "30 groups", "time", "sorted", "cv=5", "cv=5, 30 groups")
# For slow or similar estimators: the hardest split, and the most common one with groups.
TWO_SPLITS = ("unequal groups", "cv=5, 30 groups")
THREE_SPLITS = (*TWO_SPLITS, "time")


@dataclass
class Case:
    """An estimator, its type of target, and the splits with which it is tested."""

    name: str
    estimator: object
    kind: str  # of the target
    splits: tuple[str, ...] = SPLITS
    counts: bool = False  # whether it reads word counts instead of TF-IDF weights
    n_columns: int = N_WORDS
    words_per_text: int = WORDS_PER_TEXT
    n_words: int = N_WORDS  # that occur
    weight: float = 1.0  # of rows whose target is above the mean


def cases() -> list[Case]:
    """Return all tested estimators."""
    few = {"n_columns": 30}
    slow, three = {"splits": TWO_SPLITS}, {"splits": THREE_SPLITS}
    forest = {"n_estimators": 10, "random_state": 0}
    boosting = {"max_iter": 10, "max_leaf_nodes": 8, "early_stopping": False}
    balanced = {"class_weight": "balanced"}
    log_ridge = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    return [
        Case("logistic", LogisticRegression(), "binary"),
        Case("logistic, balanced", LogisticRegression(**balanced), "binary"),
        Case("logistic, C=100, balanced", LogisticRegression(C=100, **balanced), "binary", **slow),
        Case("SGD, balanced", SGDClassifier(**balanced), "binary", **slow),
        Case("SGD, log loss", SGDClassifier(loss="log_loss"), "binary", **slow),
        Case("complement Bayes", ComplementNB(), "binary", counts=True, **three),
        Case("multinomial Bayes", MultinomialNB(), "binary", counts=True),
        Case(
            "multinomial Bayes, even",
            MultinomialNB(fit_prior=False),
            "binary",
            counts=True,
            **three,
        ),
        Case("Bernoulli Bayes", BernoulliNB(), "binary", counts=True, **three),
        Case("Gaussian Bayes", GaussianNB(), "binary", **few, **three),
        Case("linear discriminant", LDA(), "binary", **three),
        Case("quadratic discriminant", QDA(reg_param=0.5), "binary", **few, **slow),
        Case("linear SVM", LinearSVC(), "binary"),
        Case("linear SVM, balanced", LinearSVC(**balanced), "binary", **slow),
        Case("SVM", SVC(), "binary", **slow),
        Case("SVM, balanced", SVC(**balanced), "binary", **slow),
        Case("perceptron", MLPClassifier((8,), max_iter=30), "binary", **slow),
        Case("forest", RandomForestClassifier(**forest), "binary", **slow),
        Case("forest, balanced", RandomForestClassifier(**forest, **balanced), "binary", **slow),
        Case(
            "forest, leaves of 5, balanced",
            RandomForestClassifier(min_samples_leaf=5, **forest, **balanced),
            "binary",
            **slow,
        ),
        Case("extremely random trees", ExtraTreesClassifier(**forest), "binary", **slow),
        Case("5 neighbours", KNeighborsClassifier(5), "binary", **three),
        Case("25 neighbours", KNeighborsClassifier(25), "binary"),
        Case("boosting", GradientBoostingClassifier(n_estimators=10), "binary", **few, **slow),
        Case(
            "histogram boosting",
            HistGradientBoostingClassifier(**boosting),
            "binary",
            **few,
            **slow,
        ),
        Case("class prior alone", DummyClassifier(), "binary", **slow),
        Case("logistic", LogisticRegression(), "multiclass", **slow),
        Case("logistic, balanced", LogisticRegression(**balanced), "multiclass"),
        Case("multinomial Bayes", MultinomialNB(), "multiclass", counts=True, **three),
        Case("complement Bayes", ComplementNB(), "multiclass", counts=True, **three),
        Case("linear SVM", LinearSVC(), "multiclass", **slow),
        Case(
            "forest, balanced", RandomForestClassifier(**forest, **balanced), "multiclass", **slow
        ),
        Case("25 neighbours", KNeighborsClassifier(25), "multiclass", **slow),
        Case(
            "logistic per label, balanced",
            MultiOutputClassifier(LogisticRegression(**balanced)),
            "multilabel",
            **slow,
        ),
        Case("forest", RandomForestClassifier(**forest), "multilabel", **slow),
        Case("ridge", Ridge(), "continuous"),
        Case("SVR", SVR(), "continuous"),
        Case("SVR, C=100", SVR(C=100), "continuous", **slow),
        Case("linear SVR", LinearSVR(), "continuous", **slow),
        Case("ridge of log(1 + y)", log_ridge, "continuous"),
        Case("Poisson", PoissonRegressor(alpha=0.01), "continuous", **slow),
        Case("gamma", GammaRegressor(alpha=0.01), "continuous", **slow),
        Case("median regression", QuantileRegressor(alpha=0.001), "continuous", **few, **slow),
        Case("forest", RandomForestRegressor(**forest), "continuous", **slow, **few),
        Case("5 neighbours", KNeighborsRegressor(5), "continuous", **slow),
        Case(
            "boosting of absolute errors",
            HistGradientBoostingRegressor(loss="absolute_error", **boosting),
            "continuous",
            **few,
            **slow,
        ),
        Case("median alone", DummyRegressor(strategy="median"), "continuous", **slow),
        Case("ridge", Ridge(), "multioutput", **slow),
        Case("SVR per target", MultiOutputRegressor(SVR()), "multioutput", **slow),
        Case("TextLinearEncoder", text_linear(3.0), "binary", counts=True),
        Case("TextLinearEncoder, C=100", text_linear(100.0), "binary", counts=True, **slow),
        Case("TextLinearEncoder", text_linear(3.0), "multiclass", counts=True, **slow),
        Case("TextLinearEncoder", text_linear(3.0), "continuous", counts=True, **slow),
        Case("logistic, weight 5", LogisticRegression(), "binary", weight=5.0, **slow),
        Case("linear SVM, weight 5", LinearSVC(), "binary", weight=5.0, **slow),
        Case("forest, weight 5", RandomForestClassifier(**forest), "binary", weight=5.0, **slow),
        Case(
            "multinomial Bayes, weight 5",
            MultinomialNB(),
            "binary",
            counts=True,
            weight=5.0,
            **slow,
        ),
        Case("ridge, weight 5", Ridge(), "continuous", weight=5.0, **slow),
        Case("SVR, weight 5", SVR(), "continuous", weight=5.0, **slow),
        Case("TextLinearEncoder, weight 5", text_linear(3.0), "binary", weight=5.0, **slow),
        Case("TextLinearEncoder, weight 50", text_linear(3.0), "binary", weight=50.0, **slow),
        *network_cases(),
    ]


def network_cases() -> list[Case]:
    """Return the tested networks of text."""
    one, long = {"n_networks": 1}, {"words_per_text": 40, "n_words": 1000}
    slow = {"splits": TWO_SPLITS}
    return [
        Case("TextCNNEncoder", TextCNNEncoder(), "binary"),
        Case("TextCNNEncoder", TextCNNEncoder(**one), "multiclass", **slow),
        Case("TextCNNEncoder", TextCNNEncoder(**one), "multilabel", **slow),
        Case("TextCNNEncoder", TextCNNEncoder(**one), "continuous", **slow),
        Case(
            "TextCNNEncoder, Poisson", TextCNNEncoder(loss="poisson", **one), "continuous", **slow
        ),
        Case("TextCNNEncoder, long texts", TextCNNEncoder(**one), "binary", **long, **slow),
        Case("TextCNNEncoder, rare words", TextCNNEncoder(**one), "binary", n_words=3000, **slow),
        Case("TextCNNEncoder, weight 5", TextCNNEncoder(**one), "binary", weight=5.0, **slow),
        Case(
            "TextCNNEncoder, balanced",
            TextCNNEncoder(class_weight="balanced", **one),
            "binary",
            **slow,
        ),
        Case("TextCNNEncoder, characters", TextCNNEncoder(level="char"), "binary", **slow),
        Case(
            "TextCNNEncoder, stopped early", TextCNNEncoder(early_stopping=True), "binary", **slow
        ),
        Case("TextCNNEncoder, average", TextCNNEncoder(pooling="average"), "binary", **slow),
        Case("TextCNNClassifier", TextCNNClassifier(random_state=0), "binary", **slow),
        Case("TextCNNClassifier", TextCNNClassifier(random_state=0, **one), "multiclass", **slow),
    ]


def text_linear(C: float) -> TextLinearEncoder:
    """Return an encoder that reads only the random words."""
    return TextLinearEncoder(C, word_ngrams=(1, 1), char_ngrams=None)


def make_data(case: Case, split: str, random):
    """Return word counts, targets whose base rate varies, groups and the splitter."""
    kind = case.kind
    shares = 1 / np.arange(3, case.n_words + 3)
    counts = random.multinomial(case.words_per_text, shares / shares.sum(), size=N_ROWS)
    groups, cv = None, 5
    level = np.linspace(0.2, 0.8, N_ROWS)
    if split == "unequal groups":
        groups, cv = np.repeat(np.arange(6), N_ROWS // 6), LeaveOneGroupOut()
        level = np.linspace(0.1, 0.9, 6)[groups]
    elif "30 groups" in split:
        groups = random.permutation(np.repeat(np.arange(30), N_ROWS // 30))
        level = random.beta(1, 1, 30)[groups]
        cv = 5 if split.startswith("cv=5") else GroupKFold(5)
    elif split == "time":
        cv = TimeSeriesSplit(5)
    elif split == "sorted":
        cv = KFold(5)
    y = make_targets(kind, level, random)
    if split == "sorted":
        order = np.lexsort(np.atleast_2d(y.T))
        if kind == "multiclass":  # sorted within thirds, so that each class is in all training rows
            order = np.concatenate([order[start::3] for start in range(3)])
        y = y[order]
    return counts.astype(np.float64), y, groups, cv


def make_targets(kind: str, level: np.ndarray, random) -> np.ndarray:
    """Return random targets of a type, higher where the base rate is higher."""
    if kind == "binary":
        return (random.random(len(level)) < level).astype(int)
    if kind == "multiclass":
        shares = np.stack([level, np.full(len(level), 0.4), 1.1 - level], axis=1)
        draws = random.random((len(level), 1)) * shares.sum(axis=1, keepdims=True)
        return (draws > shares.cumsum(axis=1)).sum(axis=1)
    if kind == "multilabel":
        return np.stack(
            [make_targets("binary", level, random), make_targets("binary", 1 - level, random)],
            axis=1,
        )
    y = random.gamma(2.0, level + 0.2) + 0.05
    if kind == "continuous":
        return y
    return np.stack([y, random.normal(-3 * level, 1)], axis=1)


def make_encoder(case: Case, cv, seed: int):
    """Return the seeded encoder of a case."""
    changes = {"cv": cv, "random_state": seed, "uncovered": "nan"}
    if case.kind not in ("continuous", "multioutput"):
        changes["output"] = "logit"
    if isinstance(case.estimator, ENCODERS):
        kind = "continuous" if case.kind == "continuous" else "auto"
        return case.estimator.__class__(
            **case.estimator.get_params() | changes | {"target_type": kind}
        )
    return OutOfFoldEncoder(case.estimator, **changes)


def associations(case: Case, split: str, seed: int) -> np.ndarray:
    """Return the association of each feature with its target over all rows, in one replicate."""
    name = zlib.crc32(f"{case.kind} {case.name}".encode())  # different data for each, so that
    random = np.random.default_rng([seed, SPLITS.index(split), name])  # errors are independent
    counts, y, groups, cv = make_data(case, split, random)
    if isinstance(case.estimator, (*ENCODERS, TextCNNClassifier)):
        words = [np.repeat(np.arange(case.n_words), row) for row in counts.astype(int)]
        X = [" ".join(f"w{word}" for word in random.permutation(row)) for row in words]
    else:
        counts = counts[:, : case.n_columns]
        X = counts if case.counts else TfidfTransformer().fit_transform(counts).toarray()
    weights = None
    if case.weight != 1:
        weights = np.where(y > y.mean(), case.weight, 1.0)
    encoder = make_encoder(case, cv, seed)
    features = encoder.fit_transform(X, y, groups=groups, sample_weight=weights)
    covered = np.isfinite(features).all(axis=1)
    return score_features(case.kind, features[covered], y[covered])


def score_features(kind: str, features: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return AUC minus ½ per class or label, or rank correlation per target."""
    if kind == "multiclass":
        y = (y[:, None] == np.arange(features.shape[1])).astype(int)
    targets = y.reshape(len(y), -1)
    if kind in ("continuous", "multioutput"):
        targets = rankdata(targets, axis=0)
    ranks = rankdata(features, axis=0)
    ranks, targets = ranks - ranks.mean(axis=0), targets - targets.mean(axis=0)
    shared = (ranks * targets).sum(axis=0)
    if kind in ("continuous", "multioutput"):
        size = np.sqrt((ranks**2).sum(axis=0) * (targets**2).sum(axis=0))
    else:
        size = len(y) * (targets**2).sum(axis=0)
    return np.divide(shared, size, out=np.zeros(len(shared)), where=size > 0)


@dataclass
class Line:
    """The estimate of one case with one split, and its confidence interval."""

    case: Case
    split: str
    estimate: float
    half_width: float  # of the 95 % interval; of the most extreme output
    n_outputs: int

    @property
    def strangeness(self) -> float:
        """Return the estimate in half widths: above 1 the interval does not contain 0."""
        return abs(self.estimate) / self.half_width if self.half_width else 0.0


def measure(case: Case, split: str, n_replicates: int, score: Callable = associations) -> Line:
    """Return the mean association over replicates and its interval, Bonferroni over outputs."""
    scores = np.array([score(case, split, seed) for seed in range(n_replicates)])
    error = scores.std(axis=0, ddof=1) / np.sqrt(n_replicates)
    half = t.isf(0.025 / scores.shape[1], n_replicates - 1) * error
    mean = scores.mean(axis=0)
    ratio = np.divide(np.abs(mean), half, out=np.zeros_like(mean), where=half > 0)
    worst = int(np.argmax(ratio))
    return Line(case, split, float(mean[worst]), float(half[worst]), scores.shape[1])


def as_table(lines: list[Line]) -> str:
    """Return the lines as a table, with failures marked."""
    limit = norm.isf(0.025 / len(lines)) / norm.isf(0.025)
    rows = ["| target | estimator | split | association | 95 % interval | |", "|" + "---|" * 6]
    for line in lines:
        mark = "" if line.strangeness <= 1 else "outside"
        mark = "**LEAK**" if line.strangeness > limit else mark
        low, high = line.estimate - line.half_width, line.estimate + line.half_width
        rows.append(
            f"| {line.case.kind} | {line.case.name} | {line.split} | {line.estimate:+.3f} | "
            f"{low:+.3f} to {high:+.3f} | {mark} |"
        )
    return "\n".join(rows)


def summary(lines: list[Line], n_replicates: int, seconds: float) -> str:
    """Return the header of the results: machine, versions, date, replicates, findings."""
    limit = norm.isf(0.025 / len(lines)) / norm.isf(0.025)
    outside = sum(line.strangeness > 1 for line in lines)
    leaks = sum(line.strangeness > limit for line in lines)
    largest = max(lines, key=lambda line: abs(line.estimate))
    return "\n".join(
        [
            "# Do features of noise reveal their targets?",
            "",
            "Written by `make leaks`; `benchmarks/leaks.py` describes the measurement.",
            "",
            f"{datetime.date.today().isoformat()}; {machine_line()}; {N_ROWS} rows, {n_replicates} "
            f"replicates each, {seconds / 60:.0f} minutes of one core.",
            "",
            f"{outside} of {len(lines)} intervals of 95 % do not contain 0, where "
            f"{0.05 * len(lines):.0f} are expected of features without information; {leaks} are "
            "significant over all lines together (5 %, Bonferroni; marked LEAK). "
            "The largest estimate is "
            f"{largest.estimate:+.3f} ({largest.case.name}, {largest.split}).",
        ]
    )


def main() -> None:
    """Measure, print, and optionally write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=40)
    parser.add_argument("--only", default="", help="estimators whose name contains this")
    parser.add_argument("--split", default="", help="only this split")
    parser.add_argument("--write", action="store_true", help="write benchmarks/LEAKS.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started, lines = time.perf_counter(), []
    for case in cases():
        for split in case.splits if options.only in case.name else ():
            if options.split not in ("", split):
                continue
            lines.append(measure(case, split, options.replicates))
            print(as_table(lines).splitlines()[-1], flush=True)
    found = summary(lines, options.replicates, time.perf_counter() - started)
    print(found)
    if options.write:
        RESULTS.write_text(f"{found}\n\n{as_table(lines)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
