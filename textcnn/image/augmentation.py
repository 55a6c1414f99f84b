"""Random changes of the images that a network learns from, by Keras layers."""

from __future__ import annotations

import json

from textcnn.neural.backend import import_keras

# Per layer its class, and its settings as JSON: hashable, picklable, and enough to make it anew.
AugmentationPlan = tuple[tuple[type, str], ...]


def plan_augmentation(augment) -> AugmentationPlan:
    """Check ``augment=`` and return how to make its layers.

    Parameters
    ----------
    augment : "auto", None, or list of keras.layers.Layer
        ``"auto"`` shifts by up to a tenth of the image, turns by up to 10 degrees and zooms by up
        to a tenth. No flips: a mirrored letter is another one.

    Raises
    ------
    ValueError
        If it is none of these, or a layer cannot be made again from its settings.
    """
    if augment is None:
        return ()
    keras = import_keras()
    if isinstance(augment, str) and augment == "auto":
        layers = keras.layers
        augment = [
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            layers.RandomRotation(10 / 360, fill_mode="nearest"),
            layers.RandomZoom(0.1, fill_mode="nearest"),
        ]
        return tuple(_recipe(layer, named=False) for layer in augment)
    is_list = isinstance(augment, list | tuple)
    if not is_list or not all(isinstance(layer, keras.layers.Layer) for layer in augment):
        raise ValueError(
            'augment must be "auto", None, or a list of Keras layers: '
            '[keras.layers.RandomFlip("horizontal"), keras.layers.RandomContrast(0.2)] say. '
            f"Received: augment={augment!r}."
        )
    return tuple(_recipe(layer) for layer in augment)


def apply_augmentation(plan: AugmentationPlan, images):
    """Put new layers on images (batch, height, width, channels); they act in training only."""
    for kind, settings in plan:
        images = kind.from_config(json.loads(settings))(images)
    return images


def _recipe(layer, *, named: bool = True) -> tuple[type, str]:
    try:
        settings = layer.get_config()
        if not named:  # so that equal plans are equal, whatever Keras has counted before
            settings.pop("name")
        recipe = (type(layer), json.dumps(settings, sort_keys=True))
        type(layer).from_config(json.loads(recipe[1]))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            "A layer of augment= cannot be made anew from its get_config(), which each fold model "
            f"needs: {error}. Received: {type(layer).__name__} named {layer.name!r}."
        ) from error
    return recipe
