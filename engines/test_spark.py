import os
import sys
from contextlib import contextmanager
from functools import partial

import parts
import psutil
import score_spark
from pyspark.sql import SparkSession

from textcnn.serving import PartitionTransform


@contextmanager
def session(n_workers):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        # A task is tried four times, as on a cluster; the local default is once.
        SparkSession.builder.master(f"local[{n_workers},4]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.executorEnv.PYTHONPATH", os.path.dirname(os.path.abspath(__file__)))
        .config("spark.sql.files.maxPartitionBytes", "256k")
        .getOrCreate()
    )
    try:
        yield spark
    finally:
        spark.stop()


def test_a_worker_loads_the_model_once(table, model):
    with session(2) as spark:
        frame = spark.read.parquet(str(table)).limit(parts.N_ROWS // 4).repartition(8)
        work = partial(parts.parts_and_processes, PartitionTransform(model))
        done = frame.mapInPandas(work, "process long, model long, n long").toPandas()
    assert done["process"].nunique() == len(done.drop_duplicates(["process", "model"])) == 2
    assert len(done) >= 8


def test_rows_and_workers(table, model, tmp_path):
    costs = {}
    for n_workers in (1, 2):
        out = tmp_path / f"by_{n_workers}"
        with session(n_workers) as spark, parts.measured(costs, n_workers):
            score_spark.score(spark, table, model, out)
        parts.check_rows(table, model, out)
    parts.print_costs("spark", costs, table, model)


def python_workers():
    """Return the processes that pyspark's daemon forked."""
    children = psutil.Process().children(recursive=True)
    daemons = {child.pid for child in children if "pyspark.daemon" in " ".join(child.cmdline())}
    return [child.pid for child in children if child.ppid() in daemons]


def test_no_row_is_lost_or_duplicated_when_a_worker_is_killed(table, model, tmp_path):
    out = tmp_path / "out"
    with session(2) as spark, parts.killing_one(python_workers, out) as killed:
        score_spark.score(spark, table, model, out)
    assert len(killed) == 1
    parts.check_rows(table, model, out)
    print(f"spark: {parts.N_ROWS:,} rows, a Python worker killed: none lost, none duplicated")
