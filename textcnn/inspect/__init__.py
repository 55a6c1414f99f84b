"""Inspect fitted networks: layer sizes, feature maps, filters, explanations, folds and errors."""

from textcnn.explain.explanations import ExplainedRow, ExplainedText, TextExplanation
from textcnn.inspect.cross_fits import FoldsDisplay, GainsDisplay, OutputScoresDisplay
from textcnn.inspect.curves import LearningCurvesDisplay
from textcnn.inspect.errors import WorstErrorsDisplay
from textcnn.inspect.layers import layer_table
from textcnn.inspect.maps import FeatureMapsDisplay, FiltersDisplay
from textcnn.inspect.reasons import GradCAMDisplay, SaliencyDisplay

__all__ = [
    "ExplainedRow",
    "ExplainedText",
    "FeatureMapsDisplay",
    "FiltersDisplay",
    "FoldsDisplay",
    "GainsDisplay",
    "GradCAMDisplay",
    "LearningCurvesDisplay",
    "OutputScoresDisplay",
    "SaliencyDisplay",
    "TextExplanation",
    "WorstErrorsDisplay",
    "layer_table",
]
