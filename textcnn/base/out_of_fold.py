"""Fit and transform of all encoders of out-of-fold features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from textcnn.base.pairing import check_for_target, warn_of_another_order
from textcnn.base.saving import save
from textcnn.base.state import INPUT_FIELDS, input_names, read_input, set_fitted
from textcnn.base.training_rows import warn_if_training_rows
from textcnn.base.verifying import verify_again, verify_fit
from textcnn.crossfit import (
    FoldPlan,
    Target,
    make_fold_plan,
    oof,
    read_target,
    with_validation_rows,
)
from textcnn.crossfit.feature_names import safe_names
from textcnn.crossfit.fingerprints import Fingerprint, Verification, digest_of, fingerprint
from textcnn.crossfit.fold_levels import check_repeated_documents
from textcnn.crossfit.records import ColumnRecord
from textcnn.crossfit.report import CrossFitReport
from textcnn.crossfit.row_hashes import combine_hashes, group_hashes
from textcnn.crossfit.target_reading import as_learnt
from textcnn.fit import parameters
from textcnn.fit.cross_fit import CrossFit
from textcnn.fit.learner import Learner
from textcnn.fit.models import Task
from textcnn.neural.randomness import entropy_from, seed_sequence
from textcnn.utils.progress import CallbackSupportMixin, FitProgress, with_callbacks

ENSEMBLES = ("auto", "mean", "refit")


class FoldsMixin:
    """What an estimator with ``cv`` needs: iterators of folds are copied, groups are requested."""

    def __sklearn_clone__(self):
        """Return an unfitted copy; copies share the folds."""
        self._list_folds()
        return super().__sklearn_clone__()

    def __getstate__(self):
        """Return the state for pickle and deepcopy."""
        self._list_folds()
        return super().__getstate__()

    def get_metadata_routing(self):
        """Return which of ``groups``, ``sample_weight`` and ``time`` this estimator requests.

        Groups are requested if the splitter needs them; with an int ``cv`` call
        ``set_fit_request(groups=True)``.

        Returns
        -------
        MetadataRequest
        """
        requests = super().get_metadata_routing()
        if "groups" in _requests_of(self.cv) and requests.fit.requests["groups"] is None:
            requests.fit.add_request(param="groups", alias=True)
        return requests

    def _list_folds(self) -> None:
        """Replace an iterator of folds, which can be read once and not be copied, by a list."""
        if hasattr(getattr(self, "cv", None), "__next__"):
            self.cv = list(self.cv)


class OutOfFold(FoldsMixin, CallbackSupportMixin, TransformerMixin, BaseEstimator, ABC):
    """An encoder of out-of-fold features; a subclass defines how X is read and the learner.

    A subclass has ``_read_columns(estimator, X, reset)``, which returns columns with a length and
    ``label(number)``; ``_hash_column(column)``, uint64 per row, 0 for an empty cell;
    ``_hash_document(column)``, the same for cells that a model reads as equal;
    ``_learner()``, which checks its parameters and returns a
    :class:`~textcnn.fit.learner.Learner`; and ``_feature_name``.
    """

    _read_columns: Callable
    _hash_column: Callable
    _hash_document: Callable
    _feature_name: str
    _groups_by_content = "documents"  # value of groups= that groups rows of equal content
    # Fitted attributes, with their types in saved files; files contain model sets by name.
    _fitted_fields = INPUT_FIELDS | {
        "_fingerprint": Fingerprint,  # not in files of versions before 0.2
        "_head": Target,  # without the rows' values, which new rows do not need
        "_history": list[dict],
        "_model_sets": "model sets",  # per column: models for new rows
        "_notes": tuple[str, ...],
        "_plan": FoldPlan,
        "_records": list[ColumnRecord],
        "_row_hashes": np.ndarray,
        "_target": Target,
        "_verification": Verification,  # not in files of versions before 0.2
        "classes_": np.ndarray | list | None,
        "target_type_": str,
    }

    save = save

    def fit(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit the fold models, for ``transform`` of new rows.

        .. warning::
            ``fit(X, y).transform(X)`` is not ``fit_transform(X, y)``: training rows would get
            features from models that were trained on them. Use :meth:`fit_transform` for
            training rows.

        Parameters
        ----------
        X : list, array, Series or DataFrame of n_rows rows
            The columns that this encoder reads.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; models are not trained on rows whose target is missing.
        groups : array-like of shape (n_rows,), or "documents" or "images", optional
            Groups of rows that are kept in the same fold. ``"documents"`` groups rows of equal
            content (texts that differ only in case and spaces are equal), ``"images"`` rows of
            equal images; each empty row is its own group.
        sample_weight : array-like of shape (n_rows,), optional
            Weight of each row in training and scores; models are not trained on rows of weight 0.
        time : array-like of numbers or dates, shape (n_rows,), optional
            Models are trained only on rows that are earlier than those they predict.

        Returns
        -------
        self
            The fitted encoder.
        """
        self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)
        return self

    def fit_transform(self, X, y, *, groups=None, sample_weight=None, time=None):
        """Fit, and return the out-of-fold features of the training rows.

        The feature of each row comes from models that were not trained on it. This is not what
        ``fit(X, y).transform(X)`` returns. With folds that do not depend on y, the row's own target
        has no influence on it at all; an int ``cv`` for classes is stratified, so that another
        target of a row draws other folds. The fit is verified when it ends (``report_``).

        Parameters
        ----------
        X : list, array, Series or DataFrame of n_rows rows
            The columns that this encoder reads.
        y : array-like of shape (n_rows,) or (n_rows, n_targets)
            Targets; models are not trained on rows whose target is missing, but predict them.
            (The last step of a Pipeline may raise an error for such targets.)
        groups : array-like of shape (n_rows,), or "documents" or "images", optional
            As for :meth:`fit`.
        sample_weight : array-like of shape (n_rows,), optional
            As for :meth:`fit`; rows of weight 0 get features too.
        time : array-like of numbers or dates, shape (n_rows,), optional
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``
        """
        return self._fit(X, y, groups=groups, sample_weight=sample_weight, time=time)

    def transform(self, X):
        """Return the features of new rows, from the mean of the fold models or the refit model.

        For training rows use what :meth:`fit_transform` returned.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The same columns as at fit.

        Returns
        -------
        ndarray of float32, shape (n_rows, n_features), or a frame under ``set_output``

        Warns
        -----
        InSampleWarning
            If X has 100 rows or more and nine in ten of them are training rows. Rows whose
            content occurs several times in training are not counted.
        """
        check_is_fitted(self)
        columns = self._read_columns(self, X, reset=False)
        hashes = combine_hashes([self._hash_column(column) for column in columns])
        warn_if_training_rows(hashes, self._row_hashes, self)
        return np.hstack(
            [
                self._mean_features(models, column)
                for models, column in zip(self._model_sets, columns, strict=True)
            ]
        )

    def get_feature_names_out(self, input_features=None):
        """Return the feature names, for example ``<column>_cnn``, or one per class.

        Characters that LightGBM or XGBoost refuse (``",:[]{}<>``) become ``_``.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must equal the names seen in fit, if there were any.

        Returns
        -------
        ndarray of object
        """
        check_is_fitted(self)
        suffixes = self._head.column_suffixes()
        names = [f"{name}{s}" for name in self._set_names(input_features) for s in suffixes]
        return np.array(safe_names(names), object)

    @property
    def report_(self) -> CrossFitReport:
        """The report of the fit: which model predicted each row, and scores per fold.

        The end of a fit verifies it; see :meth:`CrossFitReport.verify`.
        """
        check_is_fitted(self)
        return CrossFitReport(
            self._records,
            self._plan,
            self._target,
            notes=self._notes,
            encoder=self,
            fingerprint=getattr(self, "_fingerprint", None),
            verification=getattr(self, "_verification", None),
            predict_again=partial(verify_again, self),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the encoder is fitted."""
        return hasattr(self, "_model_sets")

    def __sklearn_tags__(self):
        """Declare that y is required and that the output is float32 for any input."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    @abstractmethod
    def _learner(self) -> Learner:
        """Check every parameter; return the learner that fits the models."""

    def _target_type(self, y) -> str:
        """Return the type of target as which y is read."""
        return self.target_type

    def _set_names(self, input_features) -> list[str]:
        """Return the names of the features of each set of models."""
        names = input_names(self, input_features)
        if len(self._model_sets) < len(names):
            names = ["joined"]
        return [f"{name}_{self._feature_name}" for name in names]

    def _fit_by_plan(self, columns, inputs, hashes, plan, target, y) -> np.ndarray:
        """Fit columns that were already read, by an existing plan, as a member of a table."""
        learner = self._learner()
        parameters.one_of(self, "ensemble", ENSEMBLES)
        entropy = entropy_from(self.random_state)
        target = as_learnt(target, learner.loss, self.output)
        if learner.stop_fraction:
            seed = seed_sequence(entropy, "plan")
            plan = with_validation_rows(plan, target, learner.stop_fraction, seed)
        dropped = None if plan.dropped_classes else ()
        task = Task(target, entropy, plan.sample_weight, self.n_jobs, dropped)
        documents = [self._hash_document(column) for column in columns]
        return self._cross_fit(learner, columns, hashes, documents, plan, task, inputs, columns, y)

    def _fit(self, X, y, *, groups, sample_weight, time) -> np.ndarray:
        """Read everything, plan the folds, and fit."""
        learner = self._learner()
        parameters.one_of(self, "ensemble", ENSEMBLES)
        warn_of_another_order(X, y=y, groups=groups, sample_weight=sample_weight, time=time)
        columns, inputs = read_input(self, X)
        target = read_target(
            y,
            target_type=self._target_type(y),
            n_rows=len(columns[0]),
            loss=learner.loss,
            output=self.output,
        )
        check_for_target(columns, target)
        hashes = [self._hash_column(column) for column in columns]
        documents = [self._hash_document(column) for column in columns]
        if isinstance(groups, str) and groups == self._groups_by_content:
            groups = group_hashes(combine_hashes(documents))
        entropy = entropy_from(self.random_state)
        plan = make_fold_plan(
            self.cv,
            target,
            groups=groups,
            sample_weight=sample_weight,
            time=time,
            stop_fraction=learner.stop_fraction,
            uncovered=self.uncovered,
            unlabelled=self.unlabelled,
            missing_class=self.missing_class,
            random_state=seed_sequence(entropy, "plan"),
        )
        for hashes_of_column in documents:
            by = self._groups_by_content if len(documents) == 1 else None
            check_repeated_documents(plan, hashes_of_column, by)
        dropped: tuple = ()
        if plan.dropped_classes:
            dropped = tuple(target.classes[code] for code in plan.dropped_classes)
            target = target.without_classes(plan.dropped_classes)
        task = Task(target, entropy, plan.sample_weight, self.n_jobs, dropped)
        return self._cross_fit(learner, columns, hashes, documents, plan, task, inputs, X, y)

    @with_callbacks
    def _cross_fit(
        self, learner, columns, hashes, documents, plan, task, inputs, X, y
    ) -> np.ndarray:
        """Fit all models by a plan, set the fitted state and return the features of all rows."""
        learner.check(task)
        refit = self.ensemble == "refit" or (self.ensemble == "auto" and plan.ordered)
        cross_fit = CrossFit(learner, plan, task, refit)
        progress = FitProgress(self, cross_fit.n_models * len(columns), X, y)
        fits = cross_fit.run(columns, documents, progress)
        progress.end()
        features = [oof.assemble(plan, fit.features, uncovered=self.uncovered) for fit in fits]
        target = task.target
        head = target.without_rows()
        verification = verify_fit(fits, plan, head, columns, features, n_jobs=self.n_jobs)
        records = [fit.record for fit in fits]
        features = np.hstack(features)
        set_fitted(
            self,
            inputs
            | {
                "_fingerprint": fingerprint(features, digest_of(records, plan)),
                "_head": head,
                "_history": [line for fit in fits for line in fit.history],
                "_model_sets": [fit.models for fit in fits],
                "_notes": learner.notes(plan),
                "_plan": plan,
                "_records": records,
                "_row_hashes": combine_hashes(hashes),
                "_target": target,
                "_verification": verification,
                "classes_": target.classes,
                "target_type_": target.kind,
            },
        )
        return features

    def _mean_features(self, models, column) -> np.ndarray:
        """Return the mean features of new cells over the models that read them."""
        return oof.average(
            [
                self._head.features(raw, fold.level)
                for one in models
                for raw, fold in zip(one.raw_outputs([column]), one.models, strict=True)
            ]
        )


def _requests_of(splitter) -> set[str]:
    """Return the metadata that a splitter requests."""
    if not hasattr(splitter, "get_metadata_routing"):
        return set()
    requests = get_routing_for_object(splitter).split.requests
    return {name for name, alias in requests.items() if alias}
