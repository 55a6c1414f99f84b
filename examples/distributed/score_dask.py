"""Features of a folder of Parquet files on dask.

    python examples/distributed/score_dask.py TABLE MODEL OUT

The model is a file written by ``encoder.save``; each worker process loads it once. If a worker
dies, another one computes its partition again and writes the same file, so no row is lost or
duplicated.
"""

import sys

import dask.dataframe
from dask.distributed import Client, LocalCluster

from textcnn.serving import PartitionTransform


def score(table, model, out, *, keep=("id",)):
    """Write the kept columns and the features of every row, one file per partition of the table."""
    frame = dask.dataframe.read_parquet(table)
    features = frame.map_partitions(PartitionTransform(model, keep=keep))
    features.to_parquet(out, write_index=False)


if __name__ == "__main__":
    # One thread per worker, so that NumPy's threads do not compete. On several machines, use
    # Client("scheduler:8786") instead of the cluster.
    with LocalCluster(threads_per_worker=1) as cluster, Client(cluster):
        score(*sys.argv[1:4])
