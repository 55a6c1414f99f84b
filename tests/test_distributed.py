"""Fits and new rows on dask: two real worker processes, one of which is killed."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import signal_table, tiny
from dask.distributed import Client, LocalCluster, get_task_stream
from dying import DiesOnce
from inside import count_loads, files_loaded
from joblib import parallel_config

import textcnn
from textcnn import TableFeatures, TextLinearEncoder
from textcnn.serving import PartitionTransform, partitions
from textcnn.text.documents import TextSource
from textcnn.utils.workers import spread

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def fit(encoder, X, y):
    """Return the fitted encoder and the features of its training rows."""
    return encoder, encoder.fit_transform(X, y)


def test_a_fit_that_loses_a_worker_ends_as_in_one_process(client, tmp_path):
    X, y = signal_table(90, 0)
    armed = tmp_path / "armed"
    encoder = tiny(cv=4, network=DiesOnce(armed))
    alone, expected = client.submit(fit, encoder, X, y).result()
    before = set(client.run(os.getpid).values())
    armed.touch()
    with parallel_config("dask"):
        features = encoder.fit_transform(X, y)
    assert not armed.exists()
    assert len(before - set(client.run(os.getpid).values())) == 1
    np.testing.assert_array_equal(features, expected)
    new = signal_table(400, 1)[0]
    np.testing.assert_array_equal(encoder.transform(new), alone.transform(new))


def test_the_models_of_all_columns_are_spread_together(client):
    X, y = signal_table(90, 0)
    X = X.assign(title=signal_table(90, 1)[0]["review"])
    encoder = tiny(cv=2, ensemble="refit")
    alone, expected = client.submit(fit, encoder, X, y).result()
    with parallel_config("dask"), get_task_stream(client) as tasks:
        features = encoder.fit_transform(X, y)
    np.testing.assert_array_equal(features, expected)
    np.testing.assert_array_equal(encoder.transform(X.iloc[::-3]), alone.transform(X.iloc[::-3]))
    assert len(tasks.data) == 6  # two columns: each two models, then one


def count_arrivals():
    """Count, in a worker, how often rows with their vectors are unpacked."""
    arrived = []

    def unpack(self, state):
        arrived.append(len(state["vocabularies"]))
        self.__dict__.update(state)

    TextSource.__setstate__, TextSource.arrived = unpack, arrived


def stop_counting():
    """Return how often."""
    arrived = TextSource.arrived
    del TextSource.__setstate__, TextSource.arrived
    return len(arrived)


def test_a_worker_is_sent_the_vectors_once(client):
    client.run(count_arrivals)
    X, y = signal_table(90, 0)
    with parallel_config("dask"), get_task_stream(client) as tasks:
        features = tiny(cv=5).fit_transform(X, y)
    assert sorted(client.run(stop_counting).values()) == [1, 1]
    assert len(tasks.data) == 2
    assert features.shape == (90, 1)


def test_scikit_learns_models_are_distributed_too(client):
    X, y = signal_table(90, 0)
    here = TextLinearEncoder(cv=3, random_state=0).fit_transform(X, y)
    with parallel_config("dask"), get_task_stream(client) as tasks:
        there = TextLinearEncoder(cv=3, random_state=0).fit_transform(X, y)
    assert len(tasks.data) == 2
    np.testing.assert_array_equal(there, here)


def test_a_table_of_members_is_spread_as_well(client):
    X, y = signal_table(90, 0)
    X = X.assign(title=signal_table(90, 1)[0]["review"], price=np.arange(90.0))
    features = TableFeatures(["linear"], columns=["review", "title"], cv=3, random_state=0)
    here = features.fit_transform(X, y)
    new = signal_table(40, 1)[0].assign(title="good", price=1.0)
    expected = features.transform(new)
    with parallel_config("dask"), get_task_stream(client) as tasks:
        there = features.fit_transform(X, y)
    assert tasks.data
    pd.testing.assert_frame_equal(pd.DataFrame(there), pd.DataFrame(here), check_exact=True)
    pd.testing.assert_frame_equal(
        pd.DataFrame(features.transform(new)), pd.DataFrame(expected), check_exact=True
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved encoder of named columns, and new rows with their keys."""
    path = tmp_path_factory.mktemp("saved") / "model.textcnn"
    X, y = signal_table(90, 0)
    tiny().fit(X, y).save(path)
    new = signal_table(120, 1)[0].assign(key=np.arange(120))
    return path, new.set_index(np.arange(120) * 3)


def measure(shared, jobs):
    """Return the size of what was sent, for each job."""
    return [shared.nbytes] * len(jobs)


def test_large_vectors_travel_without_a_warning(client):
    with parallel_config("dask"):
        done = spread(measure, [(np.ones(2_000_000), [0, 1, 2])], n_jobs=None)
    assert done == [[16_000_000] * 3]


def test_parts_of_a_table_get_its_features(saved):
    path, new = saved
    transform = PartitionTransform(path, keep=["key"])
    whole = transform(new)
    assert whole.columns.tolist() == ["key", *transform.feature_names] == ["key", "review_cnn"]
    pd.testing.assert_index_equal(whole.index, new.index)
    expected = textcnn.load(path).transform(new[["review"]])
    np.testing.assert_allclose(whole[["review_cnn"]], expected, atol=1e-5)
    parts = transform.each([new.iloc[:50], new.iloc[50:50], new.iloc[50:]])
    joined = pd.concat(parts)
    pd.testing.assert_frame_equal(joined, whole, atol=1e-5)


def test_a_process_loads_a_file_once_and_again_when_it_is_replaced(saved, tmp_path, monkeypatch):
    path = tmp_path / "model.textcnn"
    path.write_bytes(saved[0].read_bytes())
    loads = count_loads(monkeypatch)
    for transform in (
        PartitionTransform(path),
        pickle.loads(pickle.dumps(PartitionTransform(path))),
    ):
        transform(saved[1].head(3))
        transform(saved[1].tail(3))
    assert len(loads) == 1
    X, y = signal_table(90, 1)
    tiny().fit(X, y).save(path)
    PartitionTransform(path)(saved[1].head(3))
    assert len(loads) == 2
    for number in range(6):
        other = tmp_path / f"{number}.textcnn"
        other.write_bytes(path.read_bytes())
        PartitionTransform(other)(saved[1].head(3))
    assert files_loaded() == partitions.MOST_MODELS


def test_other_encoders_are_loaded_whole(tmp_path):
    X, y = signal_table(90, 0)
    encoder = TextLinearEncoder(cv=3, random_state=0).fit(X, y)
    encoder.save(tmp_path / "linear.textcnn")
    new = signal_table(20, 1)[0]
    features = PartitionTransform(tmp_path / "linear.textcnn")(new)
    assert features.columns.tolist() == encoder.get_feature_names_out().tolist()
    np.testing.assert_array_equal(features, encoder.transform(new))


def test_missing_columns_of_a_partition_are_named(saved, tmp_path):
    path, new = saved
    with pytest.raises(ValueError, match=r"without \['review', 'id'\]"):
        PartitionTransform(path, keep=["id"])(new[["key"]])
    with pytest.raises(TypeError, match=r"Type \['key'\]"):
        PartitionTransform(path, keep="key")
    with pytest.raises(FileNotFoundError, match="none.textcnn"):
        PartitionTransform(tmp_path / "none.textcnn")


def test_a_table_on_dask_loses_and_doubles_no_row(client, saved, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "examples" / "distributed")
    import score_dask

    path, new = saved
    (tmp_path / "table").mkdir()
    for number in range(4):
        new.iloc[number * 30 : number * 30 + 30].to_parquet(
            tmp_path / "table" / f"{number}.parquet"
        )
    score_dask.score(tmp_path / "table", path, tmp_path / "out", keep=["key"])
    written = pd.read_parquet(tmp_path / "out").sort_values("key", ignore_index=True)
    expected = PartitionTransform(path, keep=["key"])(new).reset_index(drop=True)
    pd.testing.assert_frame_equal(written, expected, atol=1e-5)
