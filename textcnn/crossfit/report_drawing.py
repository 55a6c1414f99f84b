"""Plots of a cross-fit: the rows of each model, and scores with their spread."""

from __future__ import annotations

import numpy as np

_MOST_DRAWN = 1000
# Colours differ in lightness too, for colour-blind readers and black-and-white print.
_PARTS = (
    ("not used", "#eeeeee"),
    ("training", "#a6cbe3"),
    ("validation", "#f2c14e"),
    ("predicted", "#b5332e"),
)
_GROUP_SHADES = ("#6d7f6a", "#c9d4c4")


def fold_image(report) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Return the use of each row by each model of the first column, in drawing order.

    Returns
    -------
    uses : ndarray of int8, shape (n_models, n_rows)
        0 not used, 1 training, 2 validation, 3 predicted; rows in drawing order.
    groups : ndarray of shape (n_rows,) or None
        The rows' groups, in the same order.
    label : str
        Description of the order.
    """
    plan = report.plan
    uses = np.zeros((plan.n_models, plan.n_rows), dtype=np.int8)
    first = np.full(plan.n_rows, plan.n_models)
    for model in reversed(range(plan.n_models)):
        fed = report.columns[0].fed[model]
        for use, part in enumerate(("learn", "stop", "predict"), start=1):
            uses[model, fed[part]] = use
        first[fed["predict"]] = model
    groups = np.zeros(plan.n_rows) if plan.groups is None else plan.groups
    if plan.ordered:
        order, label = np.argsort(plan.time, kind="stable"), "rows, in time order"
    else:
        order, label = np.lexsort((groups, first)), "rows, sorted by the model that predicts them"
    return uses[:, order], None if plan.groups is None else groups[order], label


def draw_folds(ax, uses: np.ndarray, groups: np.ndarray | None, label: str, *, strip=False) -> None:
    """Draw one line per model with a mark per row; of long tables every n-th row.

    With ``strip``, groups are drawn below: a change of shade is a change of group.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    n_models, n_rows = uses.shape
    step = -(-n_rows // _MOST_DRAWN)
    colours = ListedColormap([colour for _, colour in _PARTS])
    options = {"aspect": "auto", "interpolation": "nearest"}
    ax.imshow(
        uses[:, ::step],
        cmap=colours,
        vmin=-0.5,
        vmax=len(_PARTS) - 0.5,
        extent=(0, n_rows, n_models - 0.5, -0.5),
        **options,
    )
    ax.hlines(np.arange(n_models - 1) + 0.5, 0, n_rows, color="white", linewidth=2)
    ax.set(xlabel=label, ylabel="model", title="Rows of each model")
    present = np.unique(uses)
    handles = [
        Patch(facecolor=colour, edgecolor="#888888", label=name)
        for use, (name, colour) in enumerate(_PARTS)
        if use in present
    ]
    if strip and groups is not None:
        changes = np.cumsum(np.append(False, groups[1:] != groups[:-1])) % 2
        ax.imshow(
            changes[None],
            cmap=ListedColormap(_GROUP_SHADES),
            vmin=0,
            vmax=1,
            extent=(0, n_rows, n_models + 0.3, n_models - 0.3),
            **options,
        )
        ax.set_ylim(n_models + 0.5, -0.5)
        ax.set_yticks([*range(n_models), n_models], [*range(n_models), "group"])
        handles.append(
            Patch(facecolor=_GROUP_SHADES[0], label=f"one of {len(np.unique(groups)):,} groups")
        )
    else:
        ax.yaxis.get_major_locator().set_params(integer=True)
    draw_legend(ax, handles=handles)


def draw_spread(ax, place: float, scores, mean: float, spread: float, *, labelled: bool) -> None:
    """Draw a dot per fold, and mean and spread below."""
    offsets = np.linspace(-0.12, 0.12, len(scores)) if len(scores) > 1 else np.zeros(len(scores))
    ax.scatter(
        scores,
        place + 0.2 + offsets,
        s=18,
        color="#a6cbe3",
        edgecolors="#4a7fa5",
        label="fold" if labelled else None,
    )
    ax.errorbar(
        mean,
        place - 0.15,
        xerr=spread if np.isfinite(spread) else 0.0,
        fmt="o",
        color="#b5332e",
        capsize=4,
        label="mean ± spread" if labelled else None,
    )


def draw_legend(ax, **options) -> None:
    """Draw the legend below the axis label, at the same distance for all figure heights."""
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=3.8,
        ncols=4,
        frameon=False,
        **options,
    )
