"""Make the report of a table of its fit: lines, verdicts, notes and warnings."""

from __future__ import annotations

import numpy as np

from textcnn.table.report import TableReport, has_report
from textcnn.table.stack import is_nested

NESTED = (
    "Gains are nested: a stack is trained on rows of one fold, predicted by the model that was not "
    "trained on them, and is scored on other rows of the fold."
)
OPTIMISTIC = (
    "Gains are optimistic: several models predict a row, so the stack is trained on predictions of "
    "models that were trained on the targets it is scored on."
)
IN_TIME = "Gains are from folds in time order: the stack is scored on later rows only."


def report_of(stage, selection: str, texts, *, n_others: int, n_used: int) -> TableReport:
    """Return the report of a finished :class:`~textcnn.table.fitting.TableFit`.

    Parameters
    ----------
    stage : TableFit
    selection : {"all", "positive", "significant"}
    texts : sequence of TextColumn
    n_others, n_used : int
        Number of other columns of the table, and of those in the stack.
    """
    plan = stage.plans[0]
    lines = [_line(stage, entry, selection) for entry in stage.entries]
    n_plans = len(stage.plans)
    others = f"with {n_used} of {n_others} other columns" if n_others else "without other columns"
    headline = (
        f"Text features of {_count(len(texts), 'column')}, {plan.n_rows:,} rows, "
        f"{stage.target.kind} target, {_count(plan.n_models, 'fold model')} per member. Gains "
        f"{others}, over {_count(n_plans, 'fold plan')}."
    )
    report = TableReport(lines, headline)
    nested = NESTED if is_nested(plan) else OPTIMISTIC
    report.notes = [IN_TIME if plan.ordered else nested, *_margin_note(stage), *plan.notes]
    if selection != "all":
        report.notes.append(
            "Members were selected with the training target: evaluate the selection on other rows."
        )
        n_looks = sum(line["n_folds"] > 0 for line in lines)
        if n_looks > 1 and selection == "significant":
            report.notes.append(f"{n_looks} gains were tested, with a Bonferroni correction.")
        if not stage.maker.can_repeat(plan):
            report.notes.append("One fold plan only: cv has no random folds to repeat.")
    if plan.groups is not None or plan.ordered:
        fitted = [entry.fitted for entry in stage.entries if entry.fitted is not None]
        unsupervised = {member.member for member in fitted if not member.is_supervised}
        report.notes += [
            f"{name} does not use the target, but the texts of all rows, ignoring group and time."
            for name in sorted(unsupervised)
        ]
    report.notes += _advice(lines)
    report.notes += _repeated_texts(stage)
    for entry in stage.entries:
        for note in entry.fitted.notes if entry.fitted is not None else ():
            report.notes.append(f"{entry.text.name}, {entry.member.name}: {note}.")
    report.warnings = _warnings(stage, selection, texts)
    report.notes += report.warnings
    return report


def _margin_note(stage) -> list[str]:
    """Note how many standard errors the margin of gains is, which depends on the folds."""
    gains = [entry.gain for entry in stage.entries if entry.gain is not None]
    widest = max(
        (gain for gain in gains if gain.n_folds > 1), key=lambda g: g.n_errors, default=None
    )
    if widest is None:
        return []
    return [
        f"A gain is significant above its margin: {widest.n_errors:.1f} standard errors over "
        f"{widest.n_folds} folds (Student's t). More folds narrow it."
    ]


def nothing_to_do(texts, columns) -> str:
    """Return the reason why no features are made."""
    if texts:
        names = [text.name for text in texts]
        return f"No text: all cells of {names} are empty. No features were made."
    return (
        "No text column was found, so the table has no text features. Expected columns of strings "
        "with more than 40 distinct values. "
        f'Received: columns={columns!r}. Name them: TableFeatures(columns=["review"]).'
    )


def doubt_of(kind) -> str:
    """Return the warning of a column that is nearly one of dates or numbers, or an empty string."""
    if kind.kind not in ("text", "category") or not kind.advice:
        return ""
    return (
        f"Column {kind.name!r} is read as {kind.kind}: {kind.reason}. Expected: dates or numbers "
        f"in all cells. Type X[{kind.name!r}] = {kind.advice} to make the others missing, or name "
        "the text columns by columns=."
    )


def columns_of_report(kinds, others, kept) -> list[dict]:
    """Return what each column was taken for, and how many output columns it has."""
    n_outputs = others.n_outputs()
    features: dict[str, int] = {}
    for entry in kept:
        features[entry.text.name] = features.get(entry.text.name, 0) + len(entry.fitted.names)
    return [
        {
            "column": kind.name,
            "kind": kind.kind,
            "reason": kind.reason,
            "n_outputs": n_outputs.get(number, 0) + features.get(kind.name, 0),
        }
        for number, kind in enumerate(kinds)
    ]


def _line(stage, entry, selection: str) -> dict:
    fitted, gain = entry.fitted, entry.gain
    line = {
        "column": entry.text.name,
        "member": entry.member.name,
        "n_features": len(fitted.names) if fitted is not None else 0,
        "metric": stage.metric,
        "score": np.nan,
        "spread": np.nan,
        "scored_by": "",
        "gain": gain.mean if gain is not None else np.nan,
        "gain_error": gain.error if gain is not None else np.nan,
        "gain_margin": gain.margin if gain is not None else np.nan,
        "n_folds": gain.n_folds if gain is not None else 0,
        "seconds": fitted.seconds if fitted is not None else np.nan,
        "verdict": entry.why_not or _verdict(gain, selection),
        "kept": entry.kept,
    }
    if fitted is not None:
        line["score"], line["spread"], line["scored_by"] = stage.score(entry)
    return line


def _verdict(gain, selection: str) -> str:
    if selection != "all":
        return "kept"
    if not np.isfinite(gain.mean) or not np.isfinite(gain.error):
        return "gain could not be measured"
    if gain.is_earned:
        return "significant gain"
    return "significant loss" if gain.mean < -gain.margin else "not significant"


def _advice(lines: list[dict]) -> list[str]:
    """Note where a member that does not use the target scores best."""
    notes = []
    for column in dict.fromkeys(line["column"] for line in lines):
        scored = [line for line in lines if line["column"] == column and np.isfinite(line["score"])]
        without_target = [line for line in scored if line["scored_by"] != "predictions"]
        with_target = [line for line in scored if line["scored_by"] == "predictions"]
        if not without_target or not with_target:
            continue
        best = max(without_target, key=lambda line: line["score"])
        other = max(with_target, key=lambda line: line["score"])
        if best["score"] > other["score"]:
            notes.append(
                f"{column}: {best['member']} alone scores {best['score']:.3f}, above "
                f"{other['member']} with {other['score']:.3f}. This can happen in small tables."
            )
    return notes


def _repeated_texts(stage) -> list[str]:
    """Note per column how many rows have a text of the training rows of the model of their fold."""
    notes, seen = [], set()
    for entry in stage.entries:
        if entry.fitted is None or not has_report(entry.fitted.encoder) or id(entry.text) in seen:
            continue
        seen.add(id(entry.text))
        line = entry.fitted.encoder.report_.duplicates.iloc[0]
        if line["n_duplicates"]:
            notes.append(
                f"{entry.text.name}: {line['n_duplicates']:,} rows ({line['share']:.1%}) have a "
                "text that also occurs in the training rows of the model that predicted them, "
                'apart from case and spaces. groups="documents" keeps them in the same fold.'
            )
    return notes


def _warnings(stage, selection: str, texts) -> list[str]:
    """Return the notes that are also warnings."""
    found = []
    late = [
        f"{entry.member.name} of {entry.text.name} ({entry.why_not.removeprefix('left out: ')})"
        for entry in stage.entries
        if entry.why_not.startswith("left out")
    ]
    if late:
        found.append(f"time_limit was too short. Left out: {'; '.join(late)}.")
    entered = [entry.text for entry in stage.entries]
    used = {id(column) for text in entered for column in getattr(text, "columns", [text])}
    empty = [text.name for text in texts if id(text) not in used]
    if empty:
        found.append(f"No text: all cells of {empty} are empty. No features were made from them.")
    if selection != "all" and not any(entry.kept for entry in stage.entries):
        gain = "significant gain" if selection == "significant" else "gain"
        found.append(f"No member has a {gain}, so the table has no text features.")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
