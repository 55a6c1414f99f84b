"""What every encoder of out-of-fold features has: names, routing, tags, assembly, the receipt."""

from __future__ import annotations

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from textcnn.crossfit import oof
from textcnn.crossfit.report import CrossFitReport
from textcnn.progress import CallbackSupportMixin


class OutOfFoldFeatures(CallbackSupportMixin, TransformerMixin):
    """The parts of an encoder that do not depend on what its columns hold."""

    _feature_name = "cnn"

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
        for name in self._input_names(input_features):
            column_names = [
                f"{name}_{self._feature_name}{suffix}" for suffix in self._head.column_suffixes()
            ]
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
        requests = super().get_metadata_routing()
        if "groups" in _requests_of(self.cv) and requests.fit.requests["groups"] is None:
            requests.fit.add_request(param="groups", alias=True)
        return requests

    def __sklearn_tags__(self):
        """Say that the output is float32 whatever the input is."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.multi_output = True
        return tags

    def _input_names(self, input_features):
        """Return the input names, checked against those seen at fit."""
        seen = getattr(self, "feature_names_in_", None)
        if input_features is None:
            return [f"x{i}" for i in range(self.n_features_in_)] if seen is None else list(seen)
        names = list(input_features)
        if seen is not None and names != list(seen):
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(names) != self.n_features_in_:
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({self.n_features_in_}), got {len(names)}"
            )
        return names

    def _assemble(self, outputs) -> np.ndarray:
        """Put all columns' out-of-fold features side by side."""
        blocks = [
            oof.assemble(self._plan, output, uncovered=self.uncovered, add_spread=self.add_spread)
            for output in outputs
        ]
        if self.add_indicator:
            blocks.append((self._plan.n_predictions == 0).astype(np.float32)[:, None])
        return np.hstack(blocks)


def _requests_of(splitter) -> set[str]:
    """Return the metadata that a splitter asks for."""
    if not hasattr(splitter, "get_metadata_routing"):
        return set()
    requests = get_routing_for_object(splitter).split.requests
    return {name for name, alias in requests.items() if alias}
