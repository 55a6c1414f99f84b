"""Out-of-fold features with the fold models distributed over dask's workers.

python examples/distributed/fit_dask.py
"""

from dask.distributed import Client, LocalCluster
from joblib import parallel_config

from textcnn import TextCNNEncoder
from textcnn.datasets import load_reviews


def fit(encoder, table, target):
    """Fit the encoder and return the features of the training rows."""
    with parallel_config("dask"):
        return encoder.fit_transform(table, target)


if __name__ == "__main__":
    reviews = load_reviews()
    encoder = TextCNNEncoder(random_state=0)
    with LocalCluster(threads_per_worker=1) as cluster, Client(cluster):
        features = fit(encoder, reviews[["review"]], reviews["recommended"])
    print(encoder.report_)
    encoder.save("reviews.textcnn")
