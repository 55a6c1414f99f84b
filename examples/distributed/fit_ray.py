"""Out-of-fold features with the fold models distributed over Ray's workers.

    python examples/distributed/fit_ray.py

Ray stops a fit when a worker dies, unless restarts and retries are allowed.
"""

import ray
from joblib import parallel_config
from ray.util.joblib import register_ray

from textcnn import TextCNNEncoder
from textcnn.datasets import load_reviews

RETRIES = {"max_restarts": 3, "max_task_retries": 3}


def fit(encoder, table, target):
    """Fit the encoder and return the features of the training rows."""
    register_ray()
    with parallel_config("ray", n_jobs=-1, ray_remote_args=RETRIES):
        return encoder.fit_transform(table, target)


if __name__ == "__main__":
    ray.init()
    reviews = load_reviews()
    encoder = TextCNNEncoder(random_state=0)
    features = fit(encoder, reviews[["review"]], reviews["recommended"])
    print(encoder.report_)
    encoder.save("reviews.textcnn")
