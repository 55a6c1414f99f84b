import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from inside import name_bundled_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

import textcnn.datasets
from textcnn.datasets import load_reviews, make_reviews, write_reviews

BUNDLED = Path(__file__).resolve().parent.parent / "data" / "reviews.csv.gz"


@pytest.fixture(scope="module")
def reviews():
    return load_reviews()


def test_the_bundled_file_is_what_the_generator_writes(tmp_path):
    command = [sys.executable, "-m", "textcnn.datasets", str(tmp_path / "again.csv.gz")]
    subprocess.run(command, cwd=BUNDLED.parent.parent, check=True)
    # Compared unpacked: another zlib may pack the same bytes in another way.
    assert gzip.decompress((tmp_path / "again.csv.gz").read_bytes()) == gzip.decompress(
        BUNDLED.read_bytes()
    )


def test_the_file_contains_no_time_stamp_and_no_name(tmp_path):
    write_reviews(tmp_path / "one.csv.gz", n_rows=30)
    write_reviews(tmp_path / "two.csv.gz", n_rows=30)
    packed = (tmp_path / "one.csv.gz").read_bytes()
    assert packed == (tmp_path / "two.csv.gz").read_bytes()
    flags, time_stamp = packed[3], packed[4:8]
    assert flags == 0
    assert time_stamp == b"\0\0\0\0"


def test_reading_gives_what_was_made(reviews):
    made = make_reviews()
    pd.testing.assert_frame_equal(reviews, made, check_dtype=False)
    assert pd.api.types.is_datetime64_any_dtype(reviews["date"])


def test_seed_and_size_decide_the_table():
    pd.testing.assert_frame_equal(make_reviews(40, random_state=3), make_reviews(40, 3))
    assert not make_reviews(40, random_state=3).equals(make_reviews(40, random_state=4))
    assert len(make_reviews(1)) == 1


@pytest.mark.parametrize("n_rows", [0, -5])
def test_a_table_needs_rows(n_rows):
    with pytest.raises(ValueError, match=rf"at least one row.*Received: n_rows={n_rows}"):
        make_reviews(n_rows)


def test_columns_groups_dates_and_missing_texts(reviews):
    assert list(reviews.columns) == [
        "date",
        "customer",
        "category",
        "price",
        "delivery_days",
        "rating_count",
        "verified",
        "review",
        "rating",
        "recommended",
    ]
    assert 0.005 < reviews["review"].isna().mean() < 0.05
    assert reviews.drop(columns="review").notna().all(axis=None)
    assert reviews["customer"].value_counts().between(1, 100).all()
    assert reviews["customer"].nunique() < len(reviews) / 2
    assert reviews["date"].is_monotonic_increasing
    assert reviews["rating"].between(1, 5).all()
    assert 0.4 < reviews["recommended"].mean() < 0.7


def test_the_vocabulary_is_varied(reviews):
    words = set(" ".join(reviews["review"].dropna()).lower().split())
    assert len(words) > 1000
    assert reviews["review"].dropna().duplicated().mean() < 0.01


def test_word_order_matters_in_the_text(reviews):
    """The demo and the docs state this: pairs of words predict better than single words."""
    texts, target = reviews["review"].fillna(""), reviews["recommended"]

    def auc(longest):
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, longest), min_df=2, sublinear_tf=True),
            LogisticRegression(C=10, max_iter=1000),
        )
        return roc_auc_score(
            target, cross_val_predict(model, texts, target, cv=5, method="predict_proba")[:, 1]
        )

    words, pairs = auc(1), auc(2)
    assert 0.72 < words < 0.85
    assert pairs > words + 0.01


def test_other_columns_carry_some_signal_and_the_rating_most(reviews):
    assert reviews["rating"].corr(reviews["recommended"]) > 0.7
    assert reviews["price"].corr(reviews["recommended"]) < -0.05


def test_a_missing_bundled_file_is_named(monkeypatch, tmp_path):
    name_bundled_file(monkeypatch, "absent.csv.gz")
    with pytest.raises(FileNotFoundError, match="absent.csv.gz.*python -m textcnn.datasets"):
        load_reviews()


def test_the_copy_inside_an_installed_package_comes_first(monkeypatch, tmp_path):
    package = tmp_path / "site-packages" / "textcnn"
    (package / "_data").mkdir(parents=True)
    write_reviews(package / "_data" / "reviews.csv.gz", n_rows=7)
    monkeypatch.setattr(textcnn.datasets.importlib.resources, "files", lambda name: package)
    assert len(load_reviews()) == 7
