"""TableFeatures as a model of MulTaBench: the classes that a pull request adds to its baselines.

MulTaBench ranks models that are subclasses of its ``TabularModel``. These two put out-of-fold text
features in place of its text embeddings and leave everything else to its own LightGBM and CatBoost:
splits, dates, categories, parameters, metrics. docs/multabench.md says how to hand them in;
``benchmarks/multabench.py`` measures them.
"""

from __future__ import annotations

from multabench.baselines.catboost import CatBoost
from multabench.baselines.lgbm import LightGBM
from multabench.constants import SEED
from multabench.datasets.objects import SupervisedTask
from multabench.utils.timing import embedding_step

from textcnn import TableFeatures

TARGET_TYPES = {
    SupervisedTask.REGRESSION: "continuous",
    SupervisedTask.BINARY: "binary",
    SupervisedTask.MULTICLASS: "multiclass",
}


class TextFeaturesMixin:
    """Replaces the text columns of a TabularModel by features of TableFeatures.

    Rows that the model is trained on get out-of-fold features: the wheel calls
    ``transform_preprocessor`` with ``train_embeddings`` for those rows alone.
    """

    USE_TEXT_EMBEDDINGS = False
    NEEDS_GPU = False
    # Of TableFeatures; None stands for its defaults.
    MEMBERS = None

    def make_stage(self, columns: list[str]) -> TableFeatures:
        """Return an unfitted TableFeatures of some columns."""
        stage = TableFeatures(
            columns=columns, target_type=TARGET_TYPES[self.problem_type], random_state=SEED
        )
        return stage if self.MEMBERS is None else stage.set_params(members=self.MEMBERS)

    def fit_preprocessor(self, x_train, y_train):
        """Find the types of columns as all models do, and fit the text features."""
        super().fit_preprocessor(x_train=x_train, y_train=y_train)
        self.text_columns_ = sorted(self.text_features)
        self.stage_, self.training_features_ = None, None
        if self.text_columns_:
            self.stage_ = self.make_stage(self.text_columns_)
            self.training_features_ = self.encode_training_rows(
                x_train[self.text_columns_], y_train
            )

    def transform_preprocessor(self, x, y, train_embeddings=None):
        """Return a table for the model: features in place of text, the rest as always."""
        if self.stage_ is None:
            return super().transform_preprocessor(x=x, y=y, train_embeddings=train_embeddings)
        is_training = train_embeddings is not None
        texts = x[self.text_columns_]
        features = self.training_features_ if is_training else self.encode_new_rows(texts)
        if not features.index.equals(x.index):
            raise ValueError("The features are of other rows than the table.")
        if is_training:
            self.training_features_ = None  # of no use any more
        x, y = super().transform_preprocessor(x=x.drop(columns=self.text_columns_), y=y)
        return x.join(features), y

    @embedding_step
    def encode_training_rows(self, texts, y):
        """Fit, and return the out-of-fold features of the training rows."""
        return self.stage_.fit_transform(texts, y)

    @embedding_step
    def encode_new_rows(self, texts):
        """Return the features of validation and test rows."""
        return self.stage_.transform(texts)


class TextCNNLightGBM(TextFeaturesMixin, LightGBM):
    """LightGBM on out-of-fold text features."""

    MODEL_NAME = "LightGBM + textcnn"
    SHORT_NAME = "light-textcnn"


class TextCNNCatBoost(TextFeaturesMixin, CatBoost):
    """CatBoost on out-of-fold text features."""

    MODEL_NAME = "CatBoost + textcnn"
    SHORT_NAME = "cat-textcnn"
