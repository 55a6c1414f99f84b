"""Ways to weight the words of a text's mean word vector (member "static" of TableFeatures).

The 30 principal components of the texts' vectors (wordllama) before ridge or logistic regression:
R² or ROC AUC, three folds, of 2,500 rows of each target. "idf": inverse document frequency;
"unit": word vectors of unit length first, which takes away the lengths that the model gives them.

    python benchmarks/static_weights.py [--rows 2500]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from machine import machine_line
from scipy.sparse import csr_matrix
from shared_data import data_file
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from tables import REGRESSION, TARGETS, load

from textcnn.text.piece_vectors import open_pieces
from textcnn.text.tokens import tokenize_column

SETS = {"mr": "text/mr.csv.gz", "trec": "text/trec.csv.gz"}


def main() -> None:
    """Print a line per target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2500)
    options = parser.parse_args()
    pieces, lines = open_pieces("wordllama"), []
    for target in [*SETS, *TARGETS]:
        texts, y, is_number = read(target, options.rows)
        scores = {"target": target}
        for name, vectors in weighted(texts, pieces).items():
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
            components = PCA(30, random_state=0).fit_transform(vectors)
            components /= np.sqrt((components**2).sum(axis=1).mean())
            model = Ridge(1.0) if is_number else LogisticRegression(max_iter=500)
            scoring = "r2" if is_number else "roc_auc_ovr"
            scores[name] = cross_val_score(model, components, y, scoring=scoring, cv=3).mean()
        lines.append(scores)
    results = pd.DataFrame(lines).set_index("target").round(4)
    print(machine_line(), results.to_string(), sep="\n")
    print("mean rank:", results.rank(axis=1, ascending=False).mean().round(2).to_dict())


def read(target: str, n_rows: int) -> tuple[list[str], np.ndarray, bool]:
    """Return texts, targets, and whether these are numbers."""
    if target in SETS:
        table = pd.read_csv(data_file(SETS[target]), keep_default_na=False)
        table = table.sample(n_rows, random_state=0)
        return table["text"].tolist(), table["label"].to_numpy(str), False
    inputs, y, text = load(TARGETS[target], target, n_rows)
    is_number = target in REGRESSION
    cells = inputs[text[-1]].fillna("").astype(str).tolist()
    return cells, np.asarray(y, float if is_number else str), is_number


def weighted(texts: list[str], pieces) -> dict[str, np.ndarray]:
    """Return the texts' vectors by each way to weight words."""
    tokens = tokenize_column([text.lower() for text in texts])
    found, known = pieces.vectors_of(tokens.forms)
    vectors = np.zeros((len(found), pieces.dim))
    vectors[found] = known
    shape = (len(texts), len(found))
    counts = csr_matrix((np.ones(len(tokens.ids)), tokens.ids, tokens.offsets), shape=shape)
    counts.sum_duplicates()
    n_texts = np.bincount(counts.indices, minlength=len(found))
    idf = (np.log((1 + len(texts)) / (1 + n_texts)) + 1)[:, None]
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    ways = {
        "none": vectors,
        "idf": vectors * idf,
        "square root of idf": vectors * np.sqrt(idf),
        "unit": unit,
        "unit, idf": unit * idf,
        "unit, square root": unit * np.sqrt(idf),
    }
    return {name: counts @ table for name, table in ways.items()}


if __name__ == "__main__":
    main()
