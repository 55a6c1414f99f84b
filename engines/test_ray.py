import os
from pathlib import Path

import fit_ray
import numpy as np
import parts
import psutil
import pytest
import ray
import score_ray
from dying import DiesOnce
from joblib import parallel_config
from ray.util.joblib import register_ray

from textcnn import TextCNNEncoder
from textcnn.serving import PartitionTransform

FOLDER = Path(__file__).resolve().parent
# Import path of the workers, for modules that the tests pass to them by name.
SEARCHED = [str(FOLDER), str(FOLDER.parent / "tests"), str(FOLDER.parent / "examples/distributed")]


def start(n_workers):
    ray.shutdown()
    ray.init(
        num_cpus=n_workers,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(SEARCHED)}},
    )


@pytest.fixture(scope="module")
def two_workers():
    start(2)
    register_ray()
    yield
    ray.shutdown()


@ray.remote(num_cpus=1)
def fit_in_a_worker(encoder):
    return encoder.fit_transform(*parts.training_table())


def test_a_fit_that_loses_a_worker_is_bit_identical_to_one_process(two_workers, tmp_path):
    armed = tmp_path / "armed"
    encoder = TextCNNEncoder(**parts.FIT, network=DiesOnce(armed))
    expected = ray.get(fit_in_a_worker.remote(encoder))
    armed.touch()
    features = fit_ray.fit(encoder, *parts.training_table())
    assert not armed.exists()
    np.testing.assert_array_equal(features, expected)
    print("ray: fit of 4 models, a worker killed: bit-identical to one process")


def test_without_retries_a_lost_worker_is_an_error(two_workers, tmp_path):
    armed = tmp_path / "armed"
    armed.touch()
    encoder = TextCNNEncoder(**parts.FIT, network=DiesOnce(armed))
    with (
        parallel_config("ray", n_jobs=-1),
        pytest.raises(ray.exceptions.RayActorError, match="died unexpectedly"),
    ):
        encoder.fit_transform(*parts.training_table())
    assert not hasattr(encoder, "report_")


def test_a_worker_loads_the_model_once(two_workers, table, model):
    transform = PartitionTransform(model)
    blocks = ray.data.read_parquet(str(table)).limit(parts.N_ROWS // 4)
    done = blocks.map_batches(
        lambda frame: parts.part_and_process(frame.head(100), transform),
        batch_format="pandas",
        batch_size=1000,
    ).to_pandas()
    assert len(done) > done["process"].nunique()
    assert done["process"].nunique() == len(done.drop_duplicates(["process", "model"]))


def map_workers():
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "ray::" in child.name() and "Map" in child.name()]


def test_no_row_is_lost_or_duplicated_when_a_worker_is_killed(two_workers, table, model, tmp_path):
    out = tmp_path / "out"
    with parts.killing_one(map_workers, out) as killed:
        score_ray.score(table, model, out)
    assert len(killed) == 1
    parts.check_rows(table, model, out)
    print(f"ray: {parts.N_ROWS:,} rows, a worker killed: none lost, none duplicated")


def test_rows_and_workers(table, model, tmp_path):
    costs = {}
    for n_workers in (1, 2):
        start(n_workers)
        out = tmp_path / f"by_{n_workers}"
        with parts.measured(costs, n_workers):
            score_ray.score(table, model, out)
        parts.check_rows(table, model, out)
    ray.shutdown()
    parts.print_costs("ray", costs, table, model)
