"""Equivariance: how a shift, a rotation and a zoom change feature maps and predictions.

A convolution commutes with shifts, f(g(x)) = g(f(x)), exactly. Max pooling loses a part of the
position, and global pooling all of it. For rotations and zooms neither holds: a network has to
learn them from augmented images. A dense network has none of these properties.

    python examples/06_equivariance.py            # a few minutes
    python examples/06_equivariance.py --quick
"""

import numpy as np
from example_tools import dense_network, new_figure, read_arguments, save_figure, small_digits
from scipy import ndimage

from textcnn import ImageCNNClassifier

CHANGES = {
    "shift": ("pixels to the right", lambda image, by: ndimage.shift(image, (0, by), order=1)),
    "rotation": (
        "degrees",
        lambda image, by: ndimage.rotate(image, by, reshape=False, order=1),
    ),
    "zoom": ("times the size", lambda image, by: zoom(image, by)),
}


def zoom(image, by):
    """Return an image scaled around its centre."""
    centre = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(image, np.eye(2) / by, centre - centre / by, order=1)


def measure_maps(images):
    """Assert that convolution and shift commute; return how much each stage changes by a shift."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    given = keras.Input((16, 16, 1))
    maps = layers.Conv2D(16, 3, padding="same", activation="relu", use_bias=False)(given)
    stages = {
        "pixels": given,
        "maps": maps,
        "after 2×2 max pooling": layers.MaxPooling2D(2)(maps),
        "after 4×4 max pooling": layers.MaxPooling2D(4)(maps),
        "after global max pooling": layers.GlobalMaxPooling2D()(maps),
    }
    model = keras.Model(given, list(stages.values()))
    pixels = (images / 255).astype(np.float32)[..., None]
    still = model.predict(pixels, verbose=0)
    moved = model.predict(np.roll(pixels, 1, axis=2), verbose=0)
    # The digits have a border of four empty pixels, so no part of a digit leaves the image.
    np.testing.assert_allclose(moved[1], np.roll(still[1], 1, axis=2), atol=1e-5)
    far = model.predict(np.roll(pixels, 2, axis=2), verbose=0)
    np.testing.assert_allclose(far[2], np.roll(still[2], 1, axis=2), atol=1e-5)
    changes = [
        float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(moved, still, strict=True)
    ]
    return dict(zip(stages, changes, strict=True))


def main():
    arguments = read_arguments(__doc__)
    X, new, y, new_y = small_digits(arguments.seed, border=4)
    by_stage = measure_maps(X[:200])
    print("relative change by a shift of one pixel")
    for stage, change in by_stage.items():
        print(f"  {stage:25} {change:.0%}")
    changes = list(by_stage.values())
    assert changes[1] > changes[2] > changes[3] > changes[4] and changes[4] < 1e-5

    cnn = {"n_filters": (16, 32), "dropout": 0.2}
    ways = {
        "CNN with augmentation": cnn | {"augment": shifts_and_rotations()},
        "CNN": cnn | {"augment": None},
        "dense network": {"network": dense_network(64), "augment": None},
    }
    amounts = {
        "shift": np.arange(0, 5),
        "rotation": np.arange(0, 91, 30 if arguments.quick else 10),
        "zoom": np.array([0.6, 0.8, 1.0, 1.2, 1.5]),
    }
    curves = {}
    for name, settings in ways.items():
        epochs = (20 if "augmentation" in name else 6) if arguments.quick else 30
        classifier = ImageCNNClassifier(
            **settings, epochs=epochs, batch_size=32, random_state=arguments.seed
        )
        classifier.fit(X, y)
        for kind, (_, change) in CHANGES.items():
            curves[name, kind] = [
                classifier.score(np.stack([change(image, by) for image in new]), new_y)
                for by in amounts[kind]
            ]
            print(f"{name:24} {kind:8}", "  ".join(f"{a:.3f}" for a in curves[name, kind]))
    changed, plain, dense = ways
    assert curves[plain, "shift"][2] > curves[dense, "shift"][2]
    assert curves[changed, "shift"][3] > curves[plain, "shift"][3]
    assert curves[changed, "rotation"][1] > curves[plain, "rotation"][1]
    assert max(curves[name, "rotation"][-1] for name in ways) < 0.6, "90 degrees should fail"

    figure, panels = new_figure(4, width=14, height=3.4)
    bars = panels[0].barh(list(by_stage), changes, color="#4a7fa5")
    panels[0].bar_label(bars, [f"{change:.0%}" for change in changes], padding=3)
    panels[0].invert_yaxis()
    panels[0].set(title="change by a shift of 1 pixel", xticks=[])
    panels[0].margins(x=0.2)
    panels[0].spines[["top", "right", "bottom"]].set_visible(False)
    for ax, (kind, (unit, _)) in zip(panels[1:], CHANGES.items(), strict=True):
        for name, colour in zip(ways, ("#b5332e", "#4a7fa5", "#8a6d1d"), strict=True):
            ax.plot(amounts[kind], curves[name, kind], "o-", ms=4, color=colour, label=name)
        ax.set(title=kind, xlabel=unit, ylim=(0, 1.02))
    panels[1].set_ylabel("accuracy on new digits")
    panels[3].legend(frameon=False, fontsize=8, loc="lower right")
    save_figure(figure, arguments, "06_equivariance")


def shifts_and_rotations():
    import keras

    layers = keras.layers
    return [
        layers.RandomTranslation(0.15, 0.15, fill_mode="constant"),
        layers.RandomRotation(30 / 360, fill_mode="constant"),
    ]


if __name__ == "__main__":
    main()
