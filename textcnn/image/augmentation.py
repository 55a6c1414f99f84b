"""Random augmentation of the training images, with Keras layers."""

from __future__ import annotations

import json

from textcnn.neural.backend import import_keras
from textcnn.neural.keras_settings import own_settings

# Each layer's class and its settings as JSON: hashable, picklable, enough to rebuild the layer.
AugmentationPlan = tuple[tuple[type, str], ...]


def plan_augmentation(augment) -> AugmentationPlan:
    """Check ``augment=`` and return what is needed to build its layers.

    Parameters
    ----------
    augment : "auto", None, or list of keras.layers.Layer
        ``"auto"`` shifts by up to 10 % of the image, rotates by up to 10 degrees and zooms by up
        to 10 %. It does not flip: a mirrored letter is a different letter.

    Raises
    ------
    ValueError
        If it is none of these, or a layer cannot be rebuilt from its settings.
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
            'augment must be "auto", None, or a list of Keras layers, for example '
            '[keras.layers.RandomFlip("horizontal"), keras.layers.RandomContrast(0.2)]. '
            f"Received: augment={augment!r}."
        )
    return tuple(_recipe(layer) for layer in augment)


def apply_augmentation(plan: AugmentationPlan, images):
    """Apply new layers to images (batch, height, width, channels); active during training only."""
    for kind, settings in plan:
        images = kind.from_config(json.loads(settings))(images)
    return images


def _of_our_images(settings):
    """Return settings of a layer, and of the layers in it, for float32 images, channels last.

    A layer takes both from Keras' global settings at the time when it is made.
    """
    if isinstance(settings, list):
        return [_of_our_images(value) for value in settings]
    if not isinstance(settings, dict):
        return settings
    ours = {"dtype": "float32", "data_format": "channels_last"}
    return {
        name: ours[name] if name in ours and value is not None else _of_our_images(value)
        for name, value in settings.items()
    }


@own_settings()
def _recipe(layer, *, named: bool = True) -> tuple[type, str]:
    try:
        settings = layer.get_config()
        if not named:  # the name contains a global counter of Keras: equal plans must compare equal
            settings.pop("name")
        recipe = (type(layer), json.dumps(_of_our_images(settings), sort_keys=True))
        type(layer).from_config(json.loads(recipe[1]))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            "A layer of augment= cannot be rebuilt from its get_config(), which each fold model "
            f"needs: {error}. Received: {type(layer).__name__} named {layer.name!r}."
        ) from error
    return recipe
