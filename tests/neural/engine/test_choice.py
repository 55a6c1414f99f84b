"""Which engine trains what, and why."""

import sys
from dataclasses import replace

import pytest
from inside import compile_again
from oracle import job, random_targets, text_network

from textcnn.neural.engine import choice
from textcnn.neural.engine.choice import choose_engine
from textcnn.neural.training import fit_models


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(choice, "sees_gpu", lambda: False)


def test_the_default_network_is_trained_by_numba():
    plan, _ = text_network()
    assert choose_engine(plan)[0] == "numba"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"network": "bigru"}, "network="),
        ({"n_blocks": 2}, "n_blocks"),
        ({"activation": "gelu"}, "gelu"),
    ],
)
def test_networks_outside_the_family_are_left_to_keras(settings, reason):
    plan, _ = text_network(**settings)
    engine, why = choose_engine(plan)
    assert engine == "keras"
    assert reason in why
    with pytest.raises(ValueError, match=r"cannot be trained by Numba.*Received: engine=\"numba\""):
        choose_engine(replace(plan, engine="numba"))
    assert choose_engine(replace(plan, design=None))[0] == "keras"


def test_an_engine_that_is_asked_for_is_taken(monkeypatch):
    plan, _ = text_network()
    assert choose_engine(replace(plan, engine="keras"))[0] == "keras"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert choose_engine(replace(plan, engine="numba"))[0] == "numba"
    with pytest.raises(ValueError, match="Unknown engine"):
        choose_engine(replace(plan, engine="jax"))


def test_a_backend_that_is_chosen_trains(monkeypatch):
    plan, _ = text_network()
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert choose_engine(plan) == ("keras", "KERAS_BACKEND=torch is set")


def test_a_gpu_is_used_through_keras(monkeypatch):
    plan, _ = text_network()
    monkeypatch.setattr(choice, "sees_gpu", lambda: True)
    assert choose_engine(plan) == ("keras", "a GPU is visible")


def test_gpus_that_are_hidden_are_not_seen(monkeypatch):
    monkeypatch.undo()
    choice.sees_gpu.cache_clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    monkeypatch.setattr("os.path.exists", lambda path: True)
    try:
        assert not choice.sees_gpu()
    finally:
        choice.sees_gpu.cache_clear()


def test_without_numba_keras_trains(monkeypatch):
    monkeypatch.setitem(sys.modules, "textcnn.neural.engine.kernels", None)
    compile_again()
    try:
        plan, source = text_network()
        engine, why = choose_engine(plan)
        assert engine == "keras"
        assert "Numba cannot be imported" in why
        model, _ = fit_models(plan, source, [job(plan, random_targets(plan.loss, 1))])[0]
        assert model.engine == "keras"
    finally:
        compile_again()


def test_what_cannot_be_compiled_is_left_to_keras(monkeypatch):
    from numba.core.errors import TypingError

    def fail(name):
        raise TypingError("no such type")

    compile_again()
    monkeypatch.setattr(choice.importlib, "import_module", fail)
    try:
        engine, why = choose_engine(text_network()[0])
        assert engine == "keras"
        assert "Numba cannot compile it (TypingError: no such type" in why
    finally:
        compile_again()
