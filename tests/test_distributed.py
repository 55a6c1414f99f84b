"""Fits and new rows on dask: two real worker processes, one of which is killed."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from dask.distributed import Client, LocalCluster, get_task_stream
from joblib import parallel_config

import textcnn
from textcnn import TextLinearEncoder
from textcnn.serving import PartitionTransform
from textcnn.text.documents import TextSource


class DiesOnce:
    """Builds a network; where the file is there, the process that builds its third one is killed.

    The first is built to be traced and one for each model that is fitted: so a model is done then,
    and one has begun.
    """

    def __init__(self, armed: Path):
        self.armed = armed
        self.n_built = 0

    def __call__(self, n_channels):
        import keras

        self.n_built += 1
        if self.n_built == 3 and self.armed.exists():
            self.armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        inputs = keras.Input((None, n_channels))
        return keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(inputs))


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def fit(encoder):
    """Return features of training rows and of enough new ones that Keras answers."""
    X, y = signal_table(90, 0)
    return encoder.fit_transform(X, y), encoder.transform(signal_table(1200, 1)[0])


def test_a_fit_that_loses_a_worker_ends_as_in_one_process(client, tmp_path):
    armed = tmp_path / "armed"
    expected = client.submit(fit, tiny(cv=4, network=DiesOnce(armed))).result()
    before = set(client.run(os.getpid).values())
    armed.touch()
    with parallel_config("dask"):
        features, _ = fit(tiny(cv=4, network=DiesOnce(armed)))
    assert not armed.exists()
    assert len(before - set(client.run(os.getpid).values())) == 1
    np.testing.assert_array_equal(features, expected[0])


def test_a_worker_is_sent_the_vectors_once(client, monkeypatch):
    sent = []
    pack = TextSource.__getstate__
    monkeypatch.setattr(TextSource, "__getstate__", lambda self: sent.append(0) or pack(self))
    X, y = signal_table(90, 0)
    with parallel_config("dask"), get_task_stream(client) as tasks:
        features = tiny(cv=5).fit_transform(X, y)
    assert len(sent) == 2
    assert len({task["worker"] for task in tasks.data}) == len(tasks.data) == 2
    assert features.shape == (90, 1)


def test_scikit_learns_models_are_spread_as_well(client):
    X, y = signal_table(90, 0)
    here = TextLinearEncoder(cv=3, random_state=0).fit_transform(X, y)
    with parallel_config("dask"), get_task_stream(client) as tasks:
        there = TextLinearEncoder(cv=3, random_state=0).fit_transform(X, y)
    assert len(tasks.data) == 2
    np.testing.assert_array_equal(there, here)
