"""Converts parameters of image estimators in files of earlier versions to the present ones."""

from __future__ import annotations

from textcnn.image.forms import Backbone, ConvNetwork, ResidualNetwork, SequenceNetwork

# Parameters of the estimator that are now parameters of its network: earlier → present name.
_OF_CONVOLUTIONS = {
    name: name
    for name in (
        "n_filters",
        "kernel_sizes",
        "strides",
        "n_convolutions",
        "padding",
        "activation",
        "pooling",
        "pool_size",
        "pool_stride",
        "batch_norm",
        "final_pooling",
    )
}
_OF_RESIDUAL = {
    "depth": "depth",
    "n_filters": "n_filters",
    "kernel_sizes": "kernel_size",
    "activation": "activation",
    "batch_norm": "batch_norm",
    "final_pooling": "final_pooling",
}
_OF_BACKBONES = {
    "pretrained": "weights",
    "fine_tune": "fine_tune",
    "final_pooling": "final_pooling",
}
_MOVED = {*_OF_CONVOLUTIONS, *_OF_RESIDUAL, *_OF_BACKBONES, "time_pooling"}
# Parameters of the estimator that did not move, for the default network.
_STAYED = ("n_filters", "kernel_sizes")


def present_parameters(parameters: dict) -> dict:
    """Return the present parameters of an image estimator of an earlier file.

    Parameters
    ----------
    parameters : dict
        As stored; those of a present file are returned unchanged.
    """
    if "depth" not in parameters:
        return parameters
    present = {name: value for name, value in parameters.items() if name not in _MOVED}
    network = _network_of(parameters)
    if isinstance(network, ConvNetwork) and not _differs(network, except_for=_STAYED):
        present |= {name: getattr(network, name) for name in _STAYED}
        network = None
    if parameters["time_pooling"] != "average":
        if network is None:
            network = ConvNetwork(**{name: present.pop(name) for name in _STAYED})
        network = SequenceNetwork(network, time_pooling=parameters["time_pooling"])
    return present | {"network": network}


def _network_of(parameters: dict):
    """Return the network that the earlier parameters describe."""
    name = parameters["network"]
    if name == "simple":
        return ConvNetwork(**_chosen(parameters, _OF_CONVOLUTIONS))
    if name == "residual":
        chosen = _chosen(parameters, _OF_RESIDUAL)
        sizes = chosen.get("kernel_size")
        if isinstance(sizes, list | tuple):  # one entry per stage, of which the first was used
            chosen["kernel_size"] = sizes[0]
        return ResidualNetwork(**_without_auto(chosen))
    if isinstance(name, str):
        return Backbone(name, **_without_auto(_chosen(parameters, _OF_BACKBONES)))
    return name


def _chosen(parameters: dict, names: dict[str, str]) -> dict:
    """Return parameters under their present names, without an undefined number of filters."""
    chosen = {present: parameters[earlier] for earlier, present in names.items()}
    if isinstance(chosen.get("n_filters"), str):
        del chosen["n_filters"]
    return chosen


def _without_auto(chosen: dict) -> dict:
    """Omit parameters that were ``"auto"``, which is now the default."""
    return {name: value for name, value in chosen.items() if value != "auto"}


def _differs(network: ConvNetwork, *, except_for) -> bool:
    """Return whether a network has parameters other than the defaults."""
    default = ConvNetwork().get_params(deep=False)
    return any(
        value != default[name]
        for name, value in network.get_params(deep=False).items()
        if name not in except_for
    )
