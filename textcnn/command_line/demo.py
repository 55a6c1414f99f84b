"""``textcnn demo``: four ways to use a text column, compared."""

from __future__ import annotations

import argparse
import warnings
from typing import TYPE_CHECKING

from textcnn.command_line.cells import are_row_numbers, known, numbers_or_text, target_of
from textcnn.command_line.files import check_outputs
from textcnn.command_line.messages import BadInputError, printable
from textcnn.command_line.parser import table_format
from textcnn.command_line.reading import read_whole

if TYPE_CHECKING:
    import pandas as pd

_MINIMUM_ROWS = 200
_MINIMUM_CLASS_ROWS = 20
_MAXIMUM_CLASSES = 50
_MINIMUM_TERMS = 100
# A column with at least this score by itself is probably known only after the target.
_NEARLY_THE_TARGET = 0.99

_BUNDLED_INTRODUCTION = """\
Bundled table: {n_rows:,} synthetic product reviews. Target: does the customer recommend it?
Their text favours models that use word order, by design: negations, comparisons and contrasts
use the same words in positive and in negative reviews. Results on your table will differ.
Gradient boosting on price, category and three other columns, and on features of the text:
"""

_WHERE_NEXT = """\
Next steps
  your own table      textcnn demo --only-csv --csv table.csv --text column --target column
                      (in a working copy: make demo CSV=table.csv TEXT=column TARGET=column)
  in your pipeline    README.md: Pipeline, GridSearchCV, groups, word vectors
  on real reviews     examples/01_reviews_in_a_table.py
"""


def demo(options: argparse.Namespace) -> int:
    """Compare the four ways on the bundled table and on the user's table, if given."""
    # Report a bad table before the bundled comparison, which takes a minute.
    own_table = _read_own_table(options)
    if not options.only_csv:
        from textcnn.datasets import load_reviews

        reviews = load_reviews()
        _say(_BUNDLED_INTRODUCTION.format(n_rows=len(reviews)))
        others = ["category", "price", "delivery_days", "rating_count", "verified"]
        _compare(reviews, ["review"], "recommended", others, seed=options.seed)
    if own_table is not None:
        _compare_own(own_table, options)
    _say(_WHERE_NEXT)
    return 0


def _compare_own(table: pd.DataFrame, options: argparse.Namespace) -> None:
    """Compare the four ways on the user's table."""
    from textcnn.command_line.comparison import MAXIMUM_CATEGORIES, usable_columns

    used = [*options.text, options.target]
    others = usable_columns(table, exclude=used)
    left_out = [column for column in table.columns if column not in (*used, *others)]
    _say(f"{options.csv}: {len(table):,} rows, target {options.target!r}")
    _say(f"Other columns: {_listed(others) or 'none'}.")
    if table.attrs["row_numbers"]:
        _say(f"Unused row numbers: {_listed(table.attrs['row_numbers'])}.")
    if left_out:
        reasons = f"more than {MAXIMUM_CATEGORIES} different values, or almost empty"
        _say(f"Unused columns ({reasons}): {_listed(left_out)}.")
    _say("Columns that are only known after the target make all scores too good: --drop them.\n")
    regression = options.target_type == "continuous"
    _warn_of_leaks(table, options.target, others, regression)
    _compare(table, options.text, options.target, others, regression, options.seed)


def _compare(
    table: pd.DataFrame,
    text: list[str],
    target: str,
    others: list[str],
    regression: bool = False,
    seed: int = 0,
) -> None:
    """Print one comparison, line by line."""
    from textcnn.command_line.comparison import compare_text_features, text_stages

    compare_text_features(
        table,
        text_columns=text,
        target=target,
        other_columns=others,
        stages=text_stages(text, regression=regression, random_state=seed),
        regression=regression,
        random_state=seed,
        show=_say,
    )
    _say("")


def _read_own_table(options: argparse.Namespace) -> pd.DataFrame | None:
    """Read the user's table and check that the comparison can use it."""
    import pandas as pd

    if options.csv is None:
        if options.only_csv:
            raise BadInputError("--only-csv requires --csv FILE.")
        if options.text or options.target or options.drop:
            raise BadInputError("--text, --target and --drop require --csv FILE.")
        return None
    if not options.text or options.target is None:
        raise BadInputError(
            "--csv needs the columns to use. "
            f"Type: textcnn demo --csv {options.csv} --text COLUMN --target COLUMN"
        )
    if options.target in options.text:
        raise BadInputError(f"--target and --text name the same column, {options.target!r}.")
    check_outputs([options.csv], {"standard output": "-"})
    used = [*options.text, options.target]
    if both := set(used) & set(options.drop):
        raise BadInputError(f"--drop names a column that another option names, {min(both)!r}")
    cells = read_whole(options.csv, used, table_format(options), others=True, without=options.drop)
    cells = {name: known(column, options, name in options.text) for name, column in cells.items()}
    target = target_of(cells[options.target], options.target, options.target_type, options.decimal)
    columns = {
        name: pd.Series(column, dtype=object)
        if name in used
        else numbers_or_text(column, options.decimal)
        for name, column in cells.items()
    }
    copy = next((n for n in cells if n not in used and cells[n] == cells[options.target]), None)
    if copy is not None:
        raise BadInputError(f"column {copy!r} equals the target. Type --drop {copy!r}")
    row_numbers = [name for name in cells if name not in used and are_row_numbers(cells[name])]
    table = pd.DataFrame({**columns, options.target: target}).drop(columns=row_numbers)
    _check_finite(table)
    table = table[table[options.target].notna()].reset_index(drop=True).infer_objects()
    table.attrs["row_numbers"] = row_numbers
    _check_target(table, options.target, options.target_type == "continuous")
    for column in options.text:
        _check_text(table, column)
    return table


def _warn_of_leaks(table: pd.DataFrame, target: str, others: list[str], regression: bool) -> None:
    """Warn of columns that alone predict the target."""
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if regression else DecisionTreeClassifier
    tree = kind(max_leaf_nodes=64, min_samples_leaf=5, random_state=0)
    rows = table.sample(min(len(table), 5000), random_state=0)
    for name in others:
        column = rows[name]
        if column.dtype.kind not in "biuf":
            column = column.astype("category").cat.codes
        metric = "r2" if regression else "roc_auc_ovr"
        score = cross_val_score(tree, column.to_frame(), rows[target], cv=3, scoring=metric).mean()
        if score >= _NEARLY_THE_TARGET:
            warnings.warn(
                f"column {name!r} alone predicts the target ({'R²' if regression else 'AUC'} "
                f"{score:.3f}), so that the text has little to add. If it is a row number, or only "
                f"known after the target, type --drop {name!r}",
                stacklevel=2,
            )


def _check_finite(table: pd.DataFrame) -> None:
    """Refuse infinite numbers with a shorter message than gradient boosting."""
    numbers = table.select_dtypes("number")
    infinite = numbers.columns[numbers.abs().max() == float("inf")]
    if len(infinite):
        raise BadInputError(
            f"column {infinite[0]!r} contains infinite numbers; leave those cells empty."
        )


def _check_target(table: pd.DataFrame, target: str, regression: bool) -> None:
    """Refuse too few rows, and a target without a few classes of enough rows."""
    counts = table[target].value_counts()
    if len(table) < _MINIMUM_ROWS:
        raise BadInputError(
            f"the comparison needs at least {_MINIMUM_ROWS} rows with a target. "
            f"Received: {len(table)} rows"
        )
    if regression and len(counts) > 1:
        return
    if not 2 <= len(counts) <= _MAXIMUM_CLASSES:
        raise BadInputError(
            f"the comparison needs a target of 2 to {_MAXIMUM_CLASSES} classes. Received: "
            f"{target!r} with {len(counts)} different values (for quantities type --target-type "
            "continuous)"
        )
    if counts.min() < _MINIMUM_CLASS_ROWS:
        raise BadInputError(
            f"every class of the target needs at least {_MINIMUM_CLASS_ROWS} rows. Received: class "
            f"{counts.idxmin()!r} of {target!r} with {counts.min()}"
        )


def _check_text(table: pd.DataFrame, column: str) -> None:
    """Refuse a column of labels or numbers instead of text."""
    from textcnn.text.tokens import word_tokens

    cells = table[column].dropna().astype(str)
    rows_of_term: dict[str, int] = {}
    for cell in cells:
        for term in set(word_tokens(cell.lower())):
            rows_of_term[term] = rows_of_term.get(term, 0) + 1
    repeated = sum(n > 1 for n in rows_of_term.values())
    if repeated < _MINIMUM_TERMS:
        raise BadInputError(
            f"{column!r} does not look like text: expected at least {_MINIMUM_TERMS} words that "
            f"occur in several rows. Received: {repeated}"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(map(printable, names))


def _say(text: str) -> None:
    """Print a line without buffering."""
    print(text, flush=True)
