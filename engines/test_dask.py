import os
from contextlib import contextmanager

import dask
import dask.dataframe
import fit_dask
import numpy as np
import pandas as pd
import parts
import pytest
import score_dask
from dask.distributed import Client, LocalCluster
from dying import DiesOnce

from textcnn import TextCNNEncoder
from textcnn.serving import PartitionTransform


@contextmanager
def cluster(n_workers):
    with (
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as workers,
        Client(workers) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    with cluster(2) as client:
        yield client


def fit_here(encoder):
    return encoder.fit_transform(*parts.training_table())


def test_a_fit_that_loses_a_worker_is_bit_identical_to_one_process(client, tmp_path):
    armed = tmp_path / "armed"
    encoder = TextCNNEncoder(**parts.FIT, network=DiesOnce(armed))
    expected = client.submit(fit_here, encoder).result()
    before = set(client.run(os.getpid).values())
    armed.touch()
    features = fit_dask.fit(encoder, *parts.training_table())
    assert not armed.exists()
    assert len(before - set(client.run(os.getpid).values())) == 1
    np.testing.assert_array_equal(features, expected)
    assert encoder.report_.scores["score"].notna().any()
    print("dask: fit of 4 models, a worker killed: bit-identical to one process")


def test_a_worker_loads_the_model_once(client, table, model):
    transform = PartitionTransform(model)
    # Not from the files: dask may combine several into one partition.
    rows = dask.dataframe.from_pandas(pd.read_parquet(table).head(800), npartitions=8)
    done = rows.map_partitions(
        parts.part_and_process, transform, meta={"process": int, "model": int, "n": int}
    ).compute()
    assert len(done) == 8
    assert done["process"].nunique() == len(done.drop_duplicates(["process", "model"])) == 2


def test_rows_and_workers(table, model, tmp_path):
    costs = {}
    for n_workers in (1, 2):
        with cluster(n_workers), parts.measured(costs, n_workers):
            score_dask.score(table, model, tmp_path / f"by_{n_workers}")
        parts.check_rows(table, model, tmp_path / f"by_{n_workers}")
    parts.print_costs("dask", costs, table, model)


def test_no_row_is_lost_or_duplicated_when_a_worker_is_killed(table, model, tmp_path):
    out = tmp_path / "out"
    with (
        cluster(2) as client,
        parts.killing_one(lambda: list(client.run(os.getpid).values()), out) as killed,
    ):
        score_dask.score(table, model, out)
    assert len(killed) == 1
    parts.check_rows(table, model, out)
    print(f"dask: {parts.N_ROWS:,} rows, a worker killed: none lost, none duplicated")
