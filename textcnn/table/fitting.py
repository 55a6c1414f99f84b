"""Fit every member on every text column with shared folds and measure the gain of each."""

from __future__ import annotations

import copy
import numbers
import time
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from textcnn.base.out_of_fold import OutOfFold
from textcnn.crossfit import FoldPlan, Target, make_fold_plan
from textcnn.crossfit.row_hashes import combine_hashes
from textcnn.neural.randomness import integer_seed, seed_sequence
from textcnn.table.columns import JoinedTexts, columns_of_members, read_text
from textcnn.table.frames import Table
from textcnn.table.gains import Gain, gain_metric, logits, paired_gain
from textcnn.table.kinds import ColumnKind, chosen_kinds, kinds_of
from textcnn.table.members import FittedMember, Member, MemberSettings, fit_member
from textcnn.table.stack import LinearStack
from textcnn.text.columns import TextColumn
from textcnn.text.hashes import hash_documents, hash_words
from textcnn.utils.progress import FitProgress, TimeLimitReached, time_limit

_LARGEST_SEED = 2**32


class TableFeaturesWarning(UserWarning):
    """Features are missing, or a column is read as text that is nearly one of dates or numbers."""


@dataclass(frozen=True)
class PlanMaker:
    """Makes the shared fold plan, and repetitions with other random folds."""

    cv: Any
    target: Target
    groups: Any
    sample_weight: Any
    time: Any
    uncovered: Any
    unlabelled: str
    missing_class: str
    entropy: int

    def make(self, number: int = 0) -> FoldPlan:
        """Return plan ``number``; plan 0 equals that of a single encoder with the same seed."""
        seed = seed_sequence(self.entropy, "plan", number)
        cv = self.cv
        if number and getattr(cv, "random_state", None) is not None:
            cv = copy.copy(cv)
            cv.random_state = integer_seed(seed)
        with warnings.catch_warnings():
            if number:  # the first plan has already warned
                warnings.simplefilter("ignore")
            return make_fold_plan(
                cv,
                self.target,
                groups=self.groups,
                sample_weight=self.sample_weight,
                time=self.time,
                uncovered=self.uncovered,
                unlabelled=self.unlabelled,
                missing_class=self.missing_class,
                random_state=seed,
            )

    def can_repeat(self, plan: FoldPlan) -> bool:
        """Return whether another plan would have other folds."""
        if plan.ordered:
            return False
        drawn = isinstance(self.cv, numbers.Integral) or self.cv is None
        return drawn or bool(hasattr(self.cv, "random_state") and getattr(self.cv, "shuffle", True))

    def settings(self, plan: FoldPlan, target: Target, y, n_jobs) -> MemberSettings:
        """Return what members take over so that they follow a plan."""
        pairs = [
            (np.union1d(assignment.learn, assignment.stop), assignment.predict)
            for assignment in plan.assignments
        ]
        return MemberSettings(
            plan=plan,
            target=target,
            y=y,
            shared={
                "cv": pairs,
                "target_type": self.target.kind,
                "uncovered": self.uncovered,
                "unlabelled": self.unlabelled,
                "missing_class": self.missing_class,
            },
            n_jobs=n_jobs,
        )


@dataclass
class Entry:
    """The result of a member on a column."""

    member: Member
    text: TextColumn | JoinedTexts
    fitted: FittedMember | None = None
    features: np.ndarray | None = None
    forms: list[np.ndarray] = field(default_factory=list)  # per plan, as inputs of the stack
    gain: Gain | None = None
    kept: bool = True
    why_not: str = ""


@dataclass
class TableFit:
    """All members on all text columns.

    Entries are in the order in which gains are measured: the first member on every column, then
    the second, and so on. They are fitted in the order of their cost.
    """

    entries: list[Entry]
    plans: list[FoldPlan]
    maker: PlanMaker
    target: Target  # with the plan's dropped classes left out
    y: Any
    others: np.ndarray
    n_used: int  # columns that the others are made of
    scoring: Any
    n_jobs: int | None
    deadline: float | None

    def fit_all(self, progress: FitProgress) -> None:
        """Fit all entries for which there is enough time."""
        known: dict[str, list[tuple[int, float]]] = {}
        settings = self._settings(0)
        order = sorted(range(len(self.entries)), key=lambda i: self.entries[i].member.cost)
        for number in order:
            entry = self.entries[number]
            size = _n_characters(entry.text) + len(entry.text)
            listener = progress.model(number, f"{entry.text.name}, {entry.member.name}")
            if listener is not None:
                listener.begin()
            others = known.setdefault(entry.member.name, [])
            self._fit_entry(entry, settings, least_time(size, others))
            if entry.fitted is not None:
                others.append((size, warm_seconds(entry.fitted)))
            if listener is not None:
                listener.end()

    def measure(self) -> None:
        """Measure the gain of each entry over all entries before it."""
        stack = self._stack(0)
        before: list[np.ndarray] = []
        base = stack.fold_scores(before)
        for entry in self._fitted:
            before.append(entry.forms[0])
            scores = stack.fold_scores(before)
            entry.gain = paired_gain([(scores, base)], self.plans[:1])
            base = scores

    def select(self, n_repeats: int, *, is_strict: bool) -> None:
        """Keep the entries with a gain over the kept ones, or with a significant one.

        Each is measured on the first plan; if it has a gain there, it is fitted and measured on the
        other plans too.
        """
        if self.maker.can_repeat(self.plans[0]):
            self.plans += [self.maker.make(number) for number in range(1, n_repeats)]
        stacks = [self._stack(number) for number in range(len(self.plans))]
        kept: list[Entry] = []
        base = [stack.fold_scores([]) for stack in stacks]
        for entry in self._fitted:
            found = []
            for number, stack in enumerate(stacks):
                if not self._has_form(entry, number):
                    break
                scores = stack.fold_scores([other.forms[number] for other in [*kept, entry]])
                found.append(scores)
                entry.gain = paired_gain(
                    list(zip(found, base, strict=False)),
                    self.plans[: len(found)],
                    len(self._fitted),
                )
                if not entry.gain.mean > 0:
                    break
            has_gain = entry.gain.is_earned if is_strict else entry.gain.mean > 0
            entry.kept = bool(len(found) == len(stacks) and has_gain)
            if entry.kept:
                kept.append(entry)
                base = found
            elif not entry.why_not:
                entry.why_not = f"dropped: {'gain not significant' if is_strict else 'no gain'}"

    def score(self, entry: Entry) -> tuple[float, float, str]:
        """Return an entry's own score, its standard deviation over folds, and what was scored."""
        report = getattr(entry.fitted.encoder, "report_", None)
        if report is not None:
            if self.scoring is not None:
                report = report.with_scoring(self.scoring)
            summary = report.summary
            line = summary[summary["metric"] == self.metric].iloc[0]
            return float(line["score"]), float(line["spread"]), "predictions"
        scores = self._stack(0).block_scores([entry.features])
        scores = scores[~np.isnan(scores)]
        spread = float(scores.std(ddof=1)) if len(scores) > 1 else np.nan
        return float(scores.mean()) if len(scores) else np.nan, spread, "linear model"

    @cached_property
    def metric(self) -> str:
        """Name of the metric of scores and gains."""
        return gain_metric(self.target, self.scoring)

    @property
    def _fitted(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.fitted is not None]

    def _settings(self, number: int) -> MemberSettings:
        """Return what members take over of a plan."""
        return self.maker.settings(self.plans[number], self.target, self.y, self.n_jobs)

    def _stack(self, number: int) -> LinearStack:
        return LinearStack(self.plans[number], self.target, self.scoring, self.others)

    def _seed(self, number: int) -> int:
        """Return a member's seed; for the first plan it is the table's own seed, if possible."""
        if number == 0 and self.maker.entropy < _LARGEST_SEED:
            return self.maker.entropy
        return integer_seed(seed_sequence(self.maker.entropy, "estimator", number))

    def _fit_entry(self, entry: Entry, settings: MemberSettings, expected: float) -> None:
        """Fit an entry on the first plan, if there is enough time."""
        left = self._seconds_left()
        if left <= 0:
            entry.why_not = "left out: no time left"
        elif expected > left:
            entry.why_not = f"left out: needs about {expected:.0f} s, {left:.0f} s left"
        if entry.why_not:
            entry.kept = False
            return
        try:
            with time_limit(self.deadline):
                entry.fitted, entry.features = fit_member(
                    entry.member, entry.text, settings, self._seed(0)
                )
        except TimeLimitReached as reached:
            entry.kept, entry.why_not = False, f"left out: {reached}"
            return
        entry.forms.append(self._form(entry.fitted, entry.features, 0))

    def _has_form(self, entry: Entry, number: int) -> bool:
        """Fit an entry on another plan if needed; return False if the time is over."""
        if number < len(entry.forms):
            return True
        if not entry.fitted.is_supervised:  # the same for all folds
            entry.forms.append(self._form(entry.fitted, entry.features, number))
            return True
        settings = self._settings(number)
        try:
            with time_limit(self.deadline):
                if self._seconds_left() <= 0:
                    raise TimeLimitReached("no time left for further plans")
                fitted, features = fit_member(
                    entry.member, entry.text, settings, self._seed(number)
                )
        except TimeLimitReached as reached:
            entry.why_not = f"left out: {reached}"
            return False
        entry.forms.append(self._form(fitted, features, number))
        entry.fitted = replace(entry.fitted, seconds=entry.fitted.seconds + fitted.seconds)
        return True

    def _form(self, fitted: FittedMember, features: np.ndarray, number: int) -> np.ndarray:
        """Return a member's features as out-of-fold predictions, which they are or become."""
        if isinstance(fitted.encoder, OutOfFold):
            return logits(features, self.target)
        return self._stack(number).out_of_fold(features)

    def _seconds_left(self) -> float:
        return np.inf if self.deadline is None else self.deadline - time.monotonic()


def warm_seconds(fitted: FittedMember) -> float:
    """Return the seconds of a fit in a process that has already started its backend.

    The first models of a process pay for imports and compilation, so the fastest model of each
    column counts for all. Of other packages' encoders only the whole time is known.
    """
    records = getattr(fitted.encoder, "_records", [])
    if not records:
        return fitted.seconds
    warm = sum(len(record.seconds) * min(record.seconds) for record in records)
    return min(warm, fitted.seconds)  # several processes fit models at the same time


def least_time(size: int, known: Sequence[tuple[int, float]]) -> float:
    """Return the seconds that a member needs at least for a column of this size.

    Parameters
    ----------
    size : int
        Characters and rows.
    known : sequence of (size, seconds)
        Of the same member on other columns. A smaller column takes no more time than a larger one;
        how much less is not known, so a member is started where it may fit, and is stopped by the
        speed of its own models.
    """
    smaller = [seconds for other, seconds in known if other <= size]
    larger = [seconds * size / other for other, seconds in known if other > size]
    return max(smaller) if smaller else min(larger, default=0.0)


@dataclass
class SortedColumns:
    """The columns that members read, and what all columns of the table are taken for."""

    kinds: list[ColumnKind]
    texts: list[TextColumn]
    text_numbers: list[int]
    other_numbers: list[int]
    entries: list[Entry]

    @property
    def names(self) -> list[str]:
        """Names of the columns that members read."""
        return [text.name for text in self.texts]

    def documents(self) -> list[np.ndarray]:
        """Return a hash per row for each column, equal for cells that models read as equal."""
        return [hash_words(text) for text in self.texts]

    def hashes(self, n_rows: int) -> np.ndarray:
        """Return a hash per row over all columns that members read."""
        if not self.texts:
            return np.zeros(n_rows, np.uint64)
        return combine_hashes(
            [text.once("hashes", partial(hash_documents, text)) for text in self.texts]
        )


def sort_columns(columns, table: Table, members: Sequence[Member]) -> SortedColumns:
    """Find and read the columns that members read; each is read and hashed once.

    Parameters
    ----------
    columns : "auto", "all", str, list of str or int, or selector
        As :func:`~textcnn.table.columns.text_columns` takes it.
    table : Table
    members : sequence of Member
    """
    kinds = kinds_of(table)
    numbers, images = columns_of_members(
        columns,
        table,
        kinds,
        reads_text=not all(member.reads_images for member in members),
        reads_images=any(member.reads_images for member in members),
    )
    if not (isinstance(columns, str) and columns == "auto"):
        kinds = chosen_kinds(kinds, numbers, images)
    texts = [replace(read_text(table, number), memo={}) for number in numbers]
    return SortedColumns(
        kinds=kinds,
        texts=texts,
        text_numbers=numbers,
        other_numbers=[number for number in range(len(table.names)) if number not in set(numbers)],
        entries=make_entries(members, texts, [table.names[number] for number in images]),
    )


def make_entries(
    members: Sequence[Member], texts: Sequence[TextColumn], images: Collection[str]
) -> list[Entry]:
    """Return an entry per member and column of its kind; ``images`` are the image columns.

    Empty columns have no entry. A member that joins columns has one entry for all text columns.
    """
    of_text = [text for text in texts if text.name not in images]
    joined = JoinedTexts(of_text, memo={}) if len(of_text) > 1 else None
    entries = []
    for member in members:
        if joined is not None and member.joins_columns:
            entries += [Entry(member, joined)] if joined.has_text else []
            continue
        entries += [
            Entry(member, text)
            for text in texts
            if any(text.cells) and member.reads_images == (text.name in images)
        ]
    return entries


def _n_characters(text: TextColumn | JoinedTexts) -> int:
    return text.n_characters if isinstance(text, JoinedTexts) else sum(map(len, text.cells))
