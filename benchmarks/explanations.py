"""Do contributions predict the effect of removing words? Rank correlations on real texts.

A model is trained on 2,000 rows of a public table and explains 100 others. Each word is removed
from its text, and the change of the output is compared with the word's contribution; likewise for
the three strongest n-grams of each text, and for the sum over their words. ``agree`` is the share
of n-grams (with a contribution of at least 0.05) whose removal moved the output in the predicted
direction.

The data are those of shared_data.py.

    python benchmarks/explanations.py [--tables mr] [--models cnn linear]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from machine import machine_line
from scipy.stats import spearmanr
from shared_data import data_file

from textcnn import TextCNNClassifier, TextLinearEncoder
from textcnn.text import slopes

TABLES = {
    "mr": ("text/mr.csv.gz", "text", "label"),
    "clothing": ("tables/womens_clothing.csv.gz", "review_text", "recommended"),
}
N_TRAIN, N_EXPLAINED = 2_000, 100
MODELS = {
    "cnn": lambda: TextCNNClassifier(random_state=0),
    "cnn, dense (32,)": lambda: TextCNNClassifier(dense_units=(32,), random_state=0),
    "cnn, average": lambda: TextCNNClassifier(pooling="average", random_state=0),
    "linear": lambda: TextLinearEncoder(output="logit", cv=3, random_state=0),
    "bigru, 16 slopes": lambda: TextCNNClassifier(network="bigru", n_filters=32, random_state=0),
    "bigru, 1 slope": None,  # the same model, with gradient times input
}


def values_of(model, texts) -> np.ndarray:
    """Return the explained output, in log-odds."""
    if isinstance(model, TextLinearEncoder):
        return model.transform(texts)[:, 0].astype(float)
    share = model.predict_proba(texts)[:, 1]
    return np.log(share) - np.log1p(-share)


def occlusion(model, explanation) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Remove words and n-grams; return contributions and decreases of the output."""
    words, ngrams, cut = [], [], []
    for row in explanation.rows:
        [text] = row.texts
        for (start, stop), value in zip(
            text.word_spans, text.word_contributions[:, 0], strict=True
        ):
            words.append((row.row, value))
            cut.append(text.text[:start] + text.text[stop:])
    n_words = len(words)
    for row in explanation.rows:
        [text] = row.texts
        order = np.argsort(-np.abs(text.contributions[:, 0]), kind="stable")
        for place in [p for p in order if text.kinds[p] == "words"][:3]:
            start, stop = text.spans[place]
            inside = (text.word_spans[:, 0] >= start) & (text.word_spans[:, 1] <= stop)
            words_inside = text.word_contributions[inside, 0].sum()
            ngrams.append((row.row, text.contributions[place, 0], words_inside))
            cut.append(text.text[:start] + text.text[stop:])
    whole = np.array([row.value[0] for row in explanation.rows])
    after = values_of(model, cut)
    words = pd.DataFrame(words, columns=["row", "contribution"])
    words["fall"] = whole[words["row"]] - after[:n_words]
    ngrams = pd.DataFrame(ngrams, columns=["row", "contribution", "words"])
    ngrams["fall"] = whole[ngrams["row"]] - after[n_words:]
    return words, ngrams


def main(tables, kinds) -> None:
    print(machine_line())
    for name in tables:
        path, text, label = TABLES[name]
        table = pd.read_csv(data_file(path)).dropna(subset=[text])
        table = table.sample(N_TRAIN + N_EXPLAINED, random_state=0)
        train, new = table.iloc[:N_TRAIN], table.iloc[N_TRAIN:]
        lines, model = [], None
        for kind in kinds:
            make = MODELS[kind]
            if make is not None:
                model = make().fit(train[text].tolist(), train[label].to_numpy())
            slopes.sloped_contributions.__kwdefaults__["n_steps"] = (
                1 if kind.endswith("1 slope") else 16
            )
            explanation = model.explain(new[text].tolist())
            words, ngrams = occlusion(model, explanation)
            outputs = explanation.outputs_to_frame()
            strong = ngrams[ngrams["contribution"].abs() >= 0.05]
            lines.append(
                {
                    "model": kind,
                    "words": spearmanr(words["contribution"], words["fall"]).statistic,
                    "n-grams": spearmanr(ngrams["contribution"], ngrams["fall"]).statistic,
                    "words of n-grams": spearmanr(ngrams["words"], ngrams["fall"]).statistic,
                    "agree": (np.sign(strong["contribution"]) == np.sign(strong["fall"])).mean(),
                    "n": len(strong),
                    "unexplained": outputs["unexplained"].abs().mean()
                    / (outputs["value"] - outputs["base"]).abs().mean(),
                }
            )
            print(pd.DataFrame(lines[-1:]).round(3).to_string(index=False), flush=True)
        print(f"\n{name}: {N_TRAIN} training rows, {N_EXPLAINED} explained")
        print(pd.DataFrame(lines).round(3).to_string(index=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    chosen = parser.parse_args()
    main(chosen.tables, chosen.models)
