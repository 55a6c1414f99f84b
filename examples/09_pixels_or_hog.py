"""Raw pixels into a CNN, or histograms of oriented gradients into a linear SVM.

Before deep networks, features were designed by hand: HOG (Dalal and Triggs, 2005) counts the
directions of edges in cells of the image. The CNN learns its filters from the pixels.

    python examples/09_pixels_or_hog.py            # Fashion-MNIST, 8,000 images: minutes
    python examples/09_pixels_or_hog.py --quick    # scikit-learn's digits

Needs scikit-image: pip install scikit-image.
"""

import numpy as np
import pandas as pd
from example_tools import (
    draw_shapes,
    new_figure,
    read_arguments,
    real_images,
    save_figure,
    show_table,
    small_digits,
)
from skimage.feature import hog
from sklearn.svm import LinearSVC

from textcnn import ImageCNNClassifier

STEPS = {
    "CNN on pixels": ["mean and standard deviation of all pixels"],
    "HOG + linear SVM": [
        "grey values",
        "gradients",
        "histograms of directions per cell",
        "normalisation over blocks of cells",
    ],
}


def describe(image):
    """Return the HOG features of 28×28 pixels: 9 directions, cells of 7×7, blocks of 2×2 cells."""
    return hog(image, orientations=9, pixels_per_cell=(7, 7), cells_per_block=(2, 2))


def main():
    arguments = read_arguments(__doc__)
    if arguments.quick:
        X, new, y, new_y = small_digits(arguments.seed)
        large, new_large = (
            np.pad(part.repeat(3, axis=1).repeat(3, axis=2), [(0, 0), (2, 2), (2, 2)])
            for part in (X, new)
        )
        settings = {"n_filters": (16, 32), "augment": None, "epochs": 12}
    else:
        X, new, y, new_y = real_images("fashion_mnist")
        X, y, new, new_y = X[:8000], y[:8000], new[:4000], new_y[:4000]
        large, new_large, settings = X, new, {"augment": None, "epochs": 8}

    machine = LinearSVC(random_state=arguments.seed)
    machine.fit([describe(image) for image in large], y)
    network = ImageCNNClassifier(**settings, random_state=arguments.seed).fit(X, y)
    accuracies = [
        network.score(new, new_y),
        machine.score([describe(image) for image in new_large], new_y),
    ]
    results = pd.DataFrame(
        {
            "accuracy": np.round(accuracies, 4),
            "steps before": [len(steps) for steps in STEPS.values()],
            "which": ["; ".join(steps) for steps in STEPS.values()],
        },
        index=list(STEPS),
    )
    show_table(results)
    assert results.loc["CNN on pixels", "accuracy"] > results.loc["HOG + linear SVM", "accuracy"]
    assert results["accuracy"].min() > 0.8

    figure, panels = new_figure(3, width=9.5, height=3)
    shapes = draw_shapes(140)
    _, drawn = hog(shapes, orientations=9, pixels_per_cell=(10, 10), visualize=True)
    for ax, image, title in (
        (panels[0], shapes, "pixels, for the CNN"),
        (panels[1], drawn, "HOG: edges per cell, for the SVM"),
    ):
        ax.imshow(image, cmap="gray", vmax=image.max() / (1 if ax is panels[0] else 2))
        ax.set(title=title, xticks=[], yticks=[])
    bars = panels[2].bar(list(STEPS), accuracies, color=["#4a7fa5", "#f2c14e"])
    panels[2].bar_label(bars, fmt="{:.3f}", padding=2)
    panels[2].set(title="accuracy on new images", ylim=(0, 1.1))
    panels[2].spines[["top", "right"]].set_visible(False)
    save_figure(figure, arguments, "09_pixels_or_hog")


if __name__ == "__main__":
    main()
