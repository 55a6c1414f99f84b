"""The real data that benchmarks and `make test-data` read: other people's, not of this repository.

``python benchmarks/shared_data.py [tables text/mr.csv.gz ...]`` lists what is missing of all files,
or of those that are named and those in the folders that are named. It needs nothing but Python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DATA = Path(os.environ.get("TEXTCNN_DATA", Path(__file__).parents[2] / "shared" / "data"))
# Content of each file, and its source.
FILES = {
    "text/mr.csv.gz": (
        "text, label (pos or neg)",
        "the sentence polarity data set 1.0 of Pang and Lee (2005), Cornell University",
    ),
    "text/sst2.csv.gz": (
        "text, label (pos or neg), split (train, dev or test)",
        "the Stanford Sentiment Treebank of Socher et al. (2013), two classes",
    ),
    "text/imdb.csv.gz": (
        "text, label (pos or neg), split",
        "the Large Movie Review Dataset of Maas et al. (2011), Stanford University",
    ),
    "text/chnsenticorp_hotel.csv.gz": (
        "text (Chinese), label",
        "ChnSentiCorp hotel reviews of Tan Songbo",
    ),
    "text/trec.csv.gz": (
        "text, label (six classes), split (train or test)",
        "the TREC question classification data of Li and Roth (2002), University of Illinois",
    ),
    "tables/airline_tweets.csv.gz": (
        "text, tweet_created, user_timezone, airline_sentiment",
        '"Twitter US Airline Sentiment" by CrowdFlower, on Kaggle',
    ),
    "tables/womens_clothing.csv.gz": (
        "clothing_id, age, title, review_text, rating, recommended, positive_feedback_count, "
        "division, department, class_name",
        '"Women\'s E-Commerce Clothing Reviews", on Kaggle',
    ),
    "tables/scotch_reviews.csv.gz": (
        "category, review_point, price, description",
        '"2.2k+ Scotch Whisky Reviews", on Kaggle',
    ),
    "vectors/domain.50k.100d.txt.gz": (
        "50,000 words and 100 numbers each, separated by spaces, no header",
        "vectors trained with gensim's skip-gram on the texts above; others with 100 numbers work, "
        "such as GloVe's, and give other accuracies",
    ),
}
_NEWS = "8,000 of the words of word2vec's Google News vectors, 300 numbers each"
FILES |= {
    "vectors/glove.twitter.12k.25d.txt.gz": (
        "12,000 words and 25 numbers each, separated by spaces, no header",
        "the first of GloVe's Twitter vectors of Pennington et al. (2014), Stanford University",
    ),
    "vectors/googlenews.8k.300d.bin": (
        f"{_NEWS}, in word2vec's binary form",
        "Mikolov et al. (2013), Google",
    ),
    "vectors/googlenews.8k.300d.txt.gz": (
        f"{_NEWS}, the same in its text form",
        "Mikolov et al. (2013), Google",
    ),
}
for _set, _source in {
    "mnist": "MNIST of LeCun, Cortes and Burges",
    "fashion_mnist": "Fashion-MNIST of Zalando Research",
}.items():
    for _part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        FILES[f"images/{_set}/{_part}-ubyte.gz"] = ("the file as published, in IDX form", _source)
FILES["images/ants_bees_small_jpg.tar"] = (
    "JPEG files in train/ants, train/bees, val/ants and val/bees",
    "the hymenoptera images of PyTorch's transfer learning tutorial, downsized",
)


def data_file(name: str) -> Path:
    """Return the path of a data file; exit with a message if it is missing."""
    path = DATA / name
    if path.is_file():
        return path
    content, source = FILES[name]
    sys.exit(
        "This benchmark needs real data, which are not in the repository.\n"
        f"Missing:  {path.resolve()}\n"
        f"Content:  {content}\n"
        f"Source:   {source}\n"
        f"Make the file, with these columns, as {name} in a folder of your choice, and set the\n"
        "environment variable TEXTCNN_DATA to that folder. "
        f"{received()}"
    )


def received() -> str:
    """Return what the environment says of the folder."""
    given = os.environ.get("TEXTCNN_DATA")
    return f"Received: TEXTCNN_DATA{' not set' if given is None else f'={given}'}"


def main(asked: list[str]) -> None:
    """End with what is missing of the files and folders that are asked for, or of everything."""
    names = []
    for one in asked or FILES:
        found = [name for name in FILES if name == one or name.startswith(f"{one}/")]
        if not found:
            sys.exit(f"Expected some of {', '.join(FILES)}, or their folders. Received: {one}")
        names += found
    missing = [name for name in names if not (DATA / name).is_file()]
    if missing:
        told = "\n".join(f"  {name}: {FILES[name][0]};\n    {FILES[name][1]}" for name in missing)
        sys.exit(
            "This needs real data, which the repository does not hold. Expected in the folder\n"
            f"{DATA.resolve()}:\n{told}\n"
            "Make these files in a folder of your choice, and set the environment variable\n"
            f"TEXTCNN_DATA to that folder. {received()}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
