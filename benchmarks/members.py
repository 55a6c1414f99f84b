"""Accuracy and log-loss of each kind of member on five text data sets.

Members, each alone with its defaults: convolutions over words, convolutions over characters, a
bidirectional GRU over words, TF-IDF with a linear model (``TextLinearEncoder``). "peer" is
scikit-learn's TF-IDF of words 1–2 (for Chinese, characters 1–3) with logistic regression, C=10.
Networks are single classifiers; the linear member is the model that ``ensemble="refit"`` uses for
new rows, with the base rate of the training rows added. SST-2, TREC and IMDB have a test set; of MR
and the hotel reviews a random fifth is the test set. Each cell is the mean over seeds (and the
standard deviation); the seed determines weights, order, and random splits. ``--rows`` limits the
training rows, and the test rows to the same number.
Each result is a line of JSON in ``--results`` and is not computed again, so a table can be made
in several runs. With ``--vectors`` word networks use the shared vectors.

    python benchmarks/members.py [--sets mr trec] [--members peer cnn] [--rows 5000] [--seeds 3]
        [--vectors] [--results FILE] [--report]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine_line
from shared_data import data_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from textcnn import TextCNNClassifier, TextLinearEncoder

SETS = {
    "mr": "text/mr.csv.gz",
    "sst2": "text/sst2.csv.gz",
    "trec": "text/trec.csv.gz",
    "imdb": "text/imdb.csv.gz",
    "hotels": "text/chnsenticorp_hotel.csv.gz",
}
VECTORS = "vectors/domain.50k.100d.txt.gz"
TEST_SHARE = 0.2
LEAST_PROBABILITY = 1e-7
RESULTS = Path("benchmarks.members.jsonl")


@dataclass
class Task:
    """One data set, split by one seed."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    seed: int
    vectors: object | None

    @property
    def classes(self) -> np.ndarray:
        """Sorted classes."""
        return np.unique(self.train["label"].astype(str))


def main() -> None:
    """Run what has no result yet, and print a table per score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--members", nargs="+", choices=list(MEMBERS), default=list(MEMBERS))
    parser.add_argument("--rows", type=int, help="number of training rows; default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--vectors", action="store_true", help="give the word networks the shared vectors"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="only print existing results")
    options = parser.parse_args()
    done = {key_of(line) for line in read_results(options.results)}
    for name in options.sets if not options.report else []:
        for seed in range(options.seeds):
            task = None
            for member in options.members:
                line = {
                    "set": name,
                    "seed": seed,
                    "member": member + (", vectors" if takes_vectors(member, options) else ""),
                    "asked": options.rows,
                }
                if key_of(line) in done:
                    continue
                if task is None:
                    vectors = data_file(VECTORS) if options.vectors else None
                    task = read_task(name, seed, options.rows, vectors)
                started = time.perf_counter()
                probabilities = MEMBERS[member](task)
                line |= {
                    "train": len(task.train),
                    "test": len(task.test),
                    "seconds": time.perf_counter() - started,
                    **scores(task, probabilities),
                    "machine": machine_line(),
                }
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                print(
                    f"{name} seed {seed} {line['member']}: accuracy {line['accuracy']:.4f}, "
                    f"log-loss {line['log-loss']:.4f}, {line['seconds']:.1f} s",
                    flush=True,
                )
    lines = [
        line
        for line in read_results(options.results)
        if line["asked"] == options.rows and line["set"] in options.sets
    ]
    if not lines:
        print("No results.")
        return
    results = pd.DataFrame(lines)
    print(f"\n{machine_line()}; {options.rows or 'all'} rows; (standard deviation over seeds)")
    print(as_table(results, "accuracy"), as_table(results, "log-loss"), sep="\n")
    print(as_table(results, "seconds", digits=1))


def takes_vectors(member: str, options) -> bool:
    """Return whether a member uses the shared vectors."""
    return options.vectors and member in ("cnn", "bigru")


def key_of(line: dict) -> tuple:
    """Return the key that identifies a result."""
    return line["set"], line["seed"], line["member"], line["asked"]


def read_results(path: Path) -> list[dict]:
    """Return all results, the latest of each key."""
    if not path.is_file():
        return []
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return list({key_of(line): line for line in lines}.values())


def read_task(name: str, seed: int, n_rows: int | None, vectors) -> Task:
    """Return training and test rows."""
    table = pd.read_csv(data_file(SETS[name]), keep_default_na=False)
    if "split" in table:
        train, test = (table[table["split"] == part] for part in ("train", "test"))
    else:
        train, test = train_test_split(
            table, test_size=TEST_SHARE, stratify=table["label"], random_state=seed
        )
    if n_rows is not None:
        train = train.sample(min(n_rows, len(train)), random_state=seed)
        test = test[test["label"].isin(train["label"])]
        test = test.sample(min(n_rows, len(test)), random_state=seed)
    return Task(name, train[["text", "label"]], test[["text", "label"]], seed, vectors)


def network(task: Task, **settings) -> np.ndarray:
    """Return a network's probabilities of the test rows."""
    if settings.get("level") != "char":
        settings["embeddings"] = task.vectors
    model = TextCNNClassifier(random_state=task.seed, **settings)
    model.fit(task.train[["text"]], task.train["label"].astype(str))
    return model.predict_proba(task.test[["text"]])


def linear(task: Task) -> np.ndarray:
    """Return the linear member's probabilities, with the base rate added to its logits."""
    labels = task.train["label"].astype(str)
    encoder = TextLinearEncoder(cv=2, ensemble="refit", output="logit", random_state=task.seed)
    encoder.fit(task.train[["text"]], labels)
    logits = encoder.transform(task.test[["text"]]).astype(float)
    prior = labels.value_counts(normalize=True)[task.classes].to_numpy()
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    odds = prior * np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def peer(task: Task) -> np.ndarray:
    """Return the probabilities of a plain scikit-learn pipeline."""
    settings = {"ngram_range": (1, 2)}
    if task.name == "hotels":
        settings = {"analyzer": "char", "ngram_range": (1, 3)}
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, min_df=2, **settings),
        LogisticRegression(C=10, max_iter=1000),
    )
    model.fit(task.train["text"], task.train["label"].astype(str))
    return model.predict_proba(task.test["text"])


MEMBERS: dict[str, Callable[[Task], np.ndarray]] = {
    "peer": peer,
    "linear": linear,
    "cnn": network,
    "char_cnn": lambda task: network(task, level="char"),
    "bigru": lambda task: network(task, network="bigru"),
}


def scores(task: Task, probabilities: np.ndarray) -> dict[str, float]:
    """Return accuracy and log-loss on the test rows."""
    labels = task.test["label"].astype(str).to_numpy()
    probabilities = np.clip(probabilities, LEAST_PROBABILITY, 1)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(np.mean(task.classes[probabilities.argmax(axis=1)] == labels)),
        "log-loss": log_loss(labels, probabilities, labels=task.classes),
    }


def as_table(results: pd.DataFrame, score: str, digits: int = 4) -> str:
    """Return a Markdown table of means and standard deviations: a row per data set."""
    members = list(dict.fromkeys(results["member"]))
    lines = [f"\n| {score} | train / test | " + " | ".join(members) + " |"]
    lines.append("|---" * (len(members) + 2) + "|")
    for name, of_set in results.groupby("set", sort=False):
        first = of_set.iloc[0]
        cells = []
        for member in members:
            values = of_set.loc[of_set["member"] == member, score]
            cells.append(shown(values, digits))
        sizes = f"{first['train']:,} / {first['test']:,}"
        lines.append(f"| {name} | {sizes} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown(values: pd.Series, digits: int) -> str:
    """Return mean and standard deviation over seeds, or a dash if not run."""
    if not len(values):
        return "–"
    spread = f" ({values.std(ddof=1):.{digits}f})" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


if __name__ == "__main__":
    main()
