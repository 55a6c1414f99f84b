"""Features of a folder of Parquet files on dask.

    python examples/distributed/score_dask.py TABLE MODEL OUT

The model is a file that ``encoder.save`` wrote; each worker process loads it once. A part whose
worker was lost is done again by another one and takes the same file, so no row is lost or doubled.
"""

import sys

import dask.dataframe
from dask.distributed import Client, LocalCluster

from textcnn.serving import PartitionTransform


def score(table, model, out, *, keep=("id",)):
    """Write the kept columns and the features of every row, one file per part of the table."""
    frame = dask.dataframe.read_parquet(table)
    features = frame.map_partitions(PartitionTransform(model, keep=keep))
    features.to_parquet(out, write_index=False)


if __name__ == "__main__":
    # One thread per worker: NumPy's products hold none of the others up. On several machines,
    # Client("scheduler:8786") takes the place of the cluster.
    with LocalCluster(threads_per_worker=1) as cluster, Client(cluster):
        score(*sys.argv[1:4])
