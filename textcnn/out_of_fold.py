"""What every encoder of out-of-fold features has: names, routing, tags, assembly, the receipt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from textcnn import parameters
from textcnn.crossfit import FoldPlan, Target, make_fold_plan, oof, read_target
from textcnn.crossfit.fold_levels import check_repeated_documents
from textcnn.crossfit.report import CrossFitReport
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.progress import CallbackSupportMixin
from textcnn.saving import SavesToFile
from textcnn.training_rows import group_hashes

ENSEMBLES = ("auto", "mean", "refit")


class OutOfFoldFeatures(SavesToFile, CallbackSupportMixin, TransformerMixin):
    """The parts of an encoder that do not depend on what its columns hold."""

    _feature_name = "cnn"
    _groups_by_content = "documents"  # as groups=: rows of equal content are a group

    def get_feature_names_out(self, input_features=None):
        """Return ``<column>_cnn``, or ``<column>_cnn_<class or target>`` where there are several.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must equal the names seen at fit, if there were any.

        Returns
        -------
        ndarray of object
        """
        check_is_fitted(self)
        names = []
        for name in self._model_set_names(self._input_names(input_features)):
            column_names = [f"{name}{suffix}" for suffix in self._head.column_suffixes()]
            names += column_names
            if self.add_spread:
                names += [f"{column_name}_spread" for column_name in column_names]
        if self.add_indicator:
            names.append(f"{self._feature_name}_uncovered")
        return np.array(names, object)

    @property
    def report_(self) -> CrossFitReport:
        """The receipt: which model predicted each row, scores per fold, and the proof."""
        check_is_fitted(self)
        return CrossFitReport(
            self._records,
            self._plan,
            self._target,
            scoring=self.scoring,
            notes=self._notes,
            encoder=self,
        )

    def get_metadata_routing(self):
        """Return which of ``groups``, ``sample_weight`` and ``time`` this encoder asks for.

        A splitter that needs groups makes the encoder ask for them; with an int ``cv`` say
        ``set_fit_request(groups=True)``.

        Returns
        -------
        MetadataRequest
        """
        return with_groups_of(self.cv, super().get_metadata_routing())

    def __sklearn_tags__(self):
        """Say that the output is float32 whatever the input is."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.multi_output = True
        return tags

    def _model_set_names(self, input_names) -> list[str]:
        """Return what the features of each set of models are called: one set per column."""
        return [f"{name}_{self._feature_name}" for name in input_names]

    def _input_names(self, input_features):
        """Return the input names, checked against those seen at fit."""
        return input_names(self, input_features)

    def _check_out_of_fold_settings(self) -> None:
        """Check the parameters that every encoder has."""
        parameters.one_of(self, "ensemble", ENSEMBLES)
        parameters.yes_or_no(self, "add_spread", "add_indicator")

    def _plan_fit(
        self,
        target: Target,
        hashes: np.ndarray,
        *,
        groups,
        sample_weight,
        time,
        stop_fraction: float = 0.0,
    ) -> tuple[FoldPlan, Target, int]:
        """Return the fold plan, the target to learn under it, and the entropy of all seeds."""
        if isinstance(groups, str) and groups == self._groups_by_content:
            groups = group_hashes(hashes)
        entropy = entropy_from(self.random_state)
        plan = make_fold_plan(
            self.cv,
            target,
            groups=groups,
            sample_weight=sample_weight,
            time=time,
            stop_fraction=stop_fraction,
            uncovered=self.uncovered,
            unlabelled=self.unlabelled,
            missing_class=self.missing_class,
            random_state=seed_sequence(entropy, "plan"),
        )
        check_repeated_documents(plan, hashes, self._groups_by_content)
        if plan.dropped_classes:
            target = target.without_classes(plan.dropped_classes)
        CrossFitReport([], plan, target, scoring=self.scoring)  # refuses an unknown scorer now
        return plan, target, entropy

    def _read_target(self, y, n_rows: int, target_type: str, loss: str = "auto") -> Target:
        """Read y as this encoder's parameters say."""
        return read_target(y, target_type=target_type, n_rows=n_rows, loss=loss, output=self.output)

    def _serves_refit(self, plan: FoldPlan) -> bool:
        """Tell whether a model fitted on all rows serves new ones."""
        return self.ensemble == "refit" or (self.ensemble == "auto" and plan.ordered)

    def _keep_cross_fit(self, fitted, records, plan, target, hashes, notes=()) -> None:
        """Leave on a copy of this encoder what its receipt and ``transform`` need; adopt it."""
        fitted._records = records
        fitted._notes = tuple(notes)
        fitted._plan, fitted._target, fitted._head = plan, target, without_rows(target)
        fitted._row_hashes = hashes
        fitted.target_type_ = target.kind
        fitted.classes_ = target.classes
        adopt(self, fitted)

    def _assemble_new(self, outputs) -> np.ndarray:
        """Put the features of new rows side by side: the mean of each set's serving models."""
        return oof.assemble_new(
            outputs, add_spread=self.add_spread, add_indicator=self.add_indicator
        )

    def _assemble(self, outputs) -> np.ndarray:
        """Put all columns' out-of-fold features side by side."""
        blocks = [
            oof.assemble(self._plan, output, uncovered=self.uncovered, add_spread=self.add_spread)
            for output in outputs
        ]
        if self.add_indicator:
            blocks.append((self._plan.n_predictions == 0).astype(np.float32)[:, None])
        return np.hstack(blocks)


def without_rows(target: Target) -> Target:
    """Return what a fitted estimator keeps of its target: everything but the rows' values."""
    return replace(target, labelled=target.labelled[:0], values=target.values[:0])


def adopt(estimator, fitted) -> None:
    """Give an estimator all that a fit on a copy of it has set."""
    for name in ("feature_names_in_", "n_features_in_"):  # of an earlier fit on another input
        if not hasattr(fitted, name):
            estimator.__dict__.pop(name, None)
    estimator.__dict__.update(fitted.__dict__)


def input_names(estimator, input_features) -> list[str]:
    """Return the input names of a fitted estimator, checked against those seen at fit."""
    seen = getattr(estimator, "feature_names_in_", None)
    n_features = estimator.n_features_in_
    if input_features is None:
        return [f"x{i}" for i in range(n_features)] if seen is None else list(seen)
    names = list(input_features)
    if seen is not None and names != list(seen):
        raise ValueError("input_features is not equal to feature_names_in_")
    if len(names) != n_features:
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({n_features}), got {len(names)}"
        )
    return names


def with_groups_of(cv, requests):
    """Return an estimator's requests; they ask for groups where its splitter does."""
    if "groups" in _requests_of(cv) and requests.fit.requests["groups"] is None:
        requests.fit.add_request(param="groups", alias=True)
    return requests


def _requests_of(splitter) -> set[str]:
    """Return the metadata that a splitter asks for."""
    if not hasattr(splitter, "get_metadata_routing"):
        return set()
    requests = get_routing_for_object(splitter).split.requests
    return {name for name, alias in requests.items() if alias}
