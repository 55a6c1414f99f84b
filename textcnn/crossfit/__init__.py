"""Folds and targets of a cross-fit; knows no text, no picture and no Keras."""

from textcnn.crossfit.level import Level
from textcnn.crossfit.oof import assemble, average
from textcnn.crossfit.plan import Assignment, FoldPlan, make_fold_plan, whole_assignment
from textcnn.crossfit.splits import FoldTargetWarning
from textcnn.crossfit.targets import Target, read_target

__all__ = [
    "Assignment",
    "FoldPlan",
    "FoldTargetWarning",
    "Level",
    "Target",
    "assemble",
    "average",
    "make_fold_plan",
    "read_target",
    "whole_assignment",
]
