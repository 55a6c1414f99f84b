"""Images as other people publish them; what we make ourselves is in tests/."""

import tarfile

import pytest
from sklearn.metrics import roc_auc_score

from textcnn import ImageCNNEncoder
from textcnn.datasets import load_class_folders, load_idx


def test_labels_of_mnist(real_data):
    labels = load_idx(real_data / "images" / "mnist" / "t10k-labels-idx1-ubyte.gz")
    assert labels.shape == (10_000,) and labels[:3].tolist() == [7, 2, 1]


def test_class_folders_of_photographs(real_data, tmp_path):
    with tarfile.open(real_data / "images" / "ants_bees_small_jpg.tar") as tar:
        tar.extractall(tmp_path, filter="data")
    folder = tmp_path / "ants_bees_small"
    paths, labels = load_class_folders(folder / "train")
    assert len(paths) == 245 and sorted(set(labels)) == ["ants", "bees"]
    encoder = ImageCNNEncoder(cv=2, image_size=24, n_filters=(8, 8), epochs=6, random_state=0)
    features = encoder.fit_transform(paths, labels)
    assert features.shape == (245, 1)
    assert roc_auc_score(labels == "bees", features[:, 0]) > 0.55
    assert encoder.transform(load_class_folders(folder / "val")[0]).shape == (153, 1)
    with pytest.raises(ValueError, match=r"different sizes[\s\S]*image_size="):
        ImageCNNEncoder(cv=2).fit(paths, labels)
