"""Networks of ``keras.applications`` by name, from scratch or with stored weights."""

from __future__ import annotations

import inspect

from textcnn.neural.backend import import_keras


def backbone_names() -> dict[str, str]:
    """Return the networks of ``keras.applications``: lower-case name → name."""
    applications = import_keras().applications
    return {
        name.lower(): name
        for name, thing in vars(applications).items()
        if inspect.isfunction(thing) and "include_top" in inspect.signature(thing).parameters
    }


def add_backbone(images, name: str, shape, *, pretrained: str | None, fine_tune: bool):
    """Apply a network of ``keras.applications`` without its top to images with pixels 0 to 255.

    Parameters
    ----------
    images : tensor (batch, height, width, 1 or 3)
        Grey images are converted to three equal channels.
    name : str
        In lower case, as in :func:`backbone_names`.
    shape : tuple of int
        Height, width, channels.
    pretrained : str or None
        ``"imagenet"``, which Keras downloads, or the path of weights saved by ``save_weights`` from
        the same network without its top; None for fresh weights.
    fine_tune : bool
        Whether the network is trained; otherwise its batch normalisation does not change either.

    Returns
    -------
    tensor (batch, height, width, channels), the last feature maps

    Raises
    ------
    ValueError
        If the images are smaller than the network needs, or the weights are of another network.
    """
    keras = import_keras()
    name = backbone_names()[name]
    if shape[-1] == 1:
        images = keras.ops.repeat(images, 3, axis=-1)
    images = _preprocess(name)(images)
    make = getattr(keras.applications, name)
    try:
        model = make(include_top=False, weights=pretrained, input_shape=(*shape[:2], 3))
    except (ValueError, OSError) as error:
        if pretrained is not None:  # small images raised an error before
            raise ValueError(
                f"These weights cannot be loaded into {name} of keras.applications. Expected: "
                "a file made by save_weights of the same network with include_top=False. "
                f"Received: weights={pretrained!r}. Error of Keras: {str(error).splitlines()[0]}"
            ) from error
        raise ValueError(
            f"{name} of keras.applications cannot be built for these images: {error} Expected: "
            "larger images (for example image_size=64 for files, X.repeat(4, axis=1).repeat(4, "
            "axis=2) for an array), or network=None. "
            f"Received: network={name.lower()!r} and images of {shape[0]}×{shape[1]}."
        ) from error
    model.trainable = fine_tune
    # A fixed name, so that the names of weights do not depend on models built before.
    model.name = "backbone"
    return model(images) if fine_tune else model(images, training=False)


def _preprocess(name: str):
    """Return the scaling of pixels that a network of this name needs."""
    modules = {
        module_name.replace("_", ""): module
        for module_name, module in vars(import_keras().applications).items()
        if inspect.ismodule(module) and hasattr(module, "preprocess_input")
    }
    for module in modules.values():
        if hasattr(module, name):
            return module.preprocess_input
    # MobileNetV3Small is not in the module mobilenet_v3, but its scaling is.
    family = max((short for short in modules if name.lower().startswith(short)), key=len)
    return modules[family].preprocess_input
