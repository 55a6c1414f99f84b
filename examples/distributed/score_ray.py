"""Features of a folder of Parquet files on Ray Data.

    python examples/distributed/score_ray.py TABLE MODEL OUT

The model is a file written by ``encoder.save``; each worker process loads it once. If a worker
dies, Ray computes its block again.
"""

import sys

import ray

from textcnn.serving import PartitionTransform


def score(table, model, out, *, keep=("id",), concurrency=None):
    """Write the kept columns and the features of every row."""
    blocks = ray.data.read_parquet(str(table))
    features = blocks.map_batches(
        PartitionTransform(model, keep=keep), batch_format="pandas", concurrency=concurrency
    )
    features.write_parquet(str(out))


if __name__ == "__main__":
    ray.init()  # address="auto" on a running cluster
    score(*sys.argv[1:4])
