"""Features of a folder of Parquet files on Spark.

    python examples/distributed/score_spark.py TABLE MODEL OUT

The model is a file written by ``encoder.save``; each Python worker loads it once. If a worker dies,
Spark repeats its task: up to four times on a cluster, and locally if the master URL says so.
"""

import sys

from pyspark.sql import SparkSession

from textcnn.serving import PartitionTransform


def score(spark, table, model, out, *, keep=("id",)):
    """Write the kept columns and the features of every row."""
    frame = spark.read.parquet(str(table))
    transform = PartitionTransform(model, keep=keep)
    schema = frame.select(*keep).schema
    for name in transform.feature_names:
        schema = schema.add(name, "float")
    frame.mapInPandas(transform.each, schema).write.mode("overwrite").parquet(str(out))


if __name__ == "__main__":
    session = SparkSession.builder.master("local[*,4]").getOrCreate()
    score(session, *sys.argv[1:4])
