"""Out-of-fold features with the fold models spread over dask's workers.

python examples/distributed/fit_dask.py
"""

from dask.distributed import Client, LocalCluster
from joblib import parallel_config

from textcnn import TextCNNEncoder
from textcnn.datasets import load_reviews


def fit(table, target):
    """Return the fitted encoder and the features of the training rows."""
    encoder = TextCNNEncoder(random_state=0)
    with parallel_config("dask"):
        return encoder, encoder.fit_transform(table, target)


if __name__ == "__main__":
    reviews = load_reviews()
    with LocalCluster(threads_per_worker=1) as cluster, Client(cluster):
        encoder, features = fit(reviews[["review"]], reviews["recommended"])
    print(encoder.report_)
    encoder.save("reviews.textcnn")
