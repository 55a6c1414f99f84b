"""The bundled table of reviews, its seeded generator, and loaders of image data sets.

``python -m textcnn.datasets data/reviews.csv.gz`` writes the bundled file again.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import importlib.resources
import math
import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from textcnn.image.folders import load_class_folders
from textcnn.image.idx import load_idx

__all__ = ["load_class_folders", "load_idx", "load_reviews", "make_reviews", "write_reviews"]

_FILE_NAME = "reviews.csv.gz"

_GOOD = (
    "good great excellent solid lovely superb reliable sturdy comfortable handy pleasant brilliant "
    "fantastic impressive elegant smooth quiet light precise durable neat delightful wonderful "
    "flawless generous clever dependable gorgeous perfect charming effortless tidy crisp amazing "
    "beautiful satisfying robust convenient tough practical"
).split()
_BAD = (
    "bad awful terrible flimsy ugly poor unreliable shoddy uncomfortable clumsy unpleasant "
    "dreadful disappointing mediocre crude rough noisy heavy inaccurate fragile messy horrible "
    "useless faulty stingy silly cheap hideous broken annoying tedious sloppy dull pathetic wobbly "
    "frustrating weak impractical brittle lousy"
).split()
_NEGATIONS = (
    "not|not at all|not really|hardly|never|by no means|far from|anything but|nowhere near|"
    "not even remotely|in no way|not exactly|not in the least|scarcely|not what I would call"
).split("|")
_INTENSIFIERS = (
    "very|really|quite|so|truly|absolutely|rather|pretty|extremely|surprisingly||||||||"
).split("|")
_GAINS = "joy pleasure delight treat bargain relief triumph gem winner blessing".split()
_PAINS = "nuisance letdown chore disaster headache failure nightmare mistake bother mess".split()

# category -> (product nouns, aspects, typical price)
_CATEGORIES = {
    "kitchen": (
        "kettle|toaster|blender|frying pan|coffee grinder|knife set|rice cooker|waffle iron",
        "the lid|the handle|the coating|the base|the spout|the cord|the blade|the timer|the knob",
        45.0,
    ),
    "audio": (
        "headphones|speaker|radio|turntable|microphone|earbuds|soundbar|amplifier",
        "the bass|the battery|the cable|the pairing|the case|the volume dial|the treble|the app",
        90.0,
    ),
    "outdoor": (
        "tent|backpack|sleeping bag|camping stove|head torch|hammock|cool box|walking pole",
        "the zip|the strap|the frame|the lining|the buckle|the valve|the groundsheet|the pocket",
        70.0,
    ),
    "clothing": (
        "jacket|scarf|jumper|raincoat|trousers|gloves|boots|shirt",
        "the fabric|the stitching|the fit|the collar|the sole|the hood|the cuff|the colour",
        55.0,
    ),
    "office": (
        "desk lamp|chair|keyboard|monitor stand|notebook|stapler|printer|footrest",
        "the hinge|the cushion|the armrest|the paper|the switch|the finish|the dimmer|the tray",
        65.0,
    ),
    "toys": (
        "puzzle|train set|kite|board game|dolls house|robot|building blocks|yo-yo",
        "the box|the manual|the axle|the paint|the string|the board|the motor|the deck",
        25.0,
    ),
}
_SHARED_ASPECTS = "it|this thing|the whole thing|the quality|the design|the price|the service"
_RIVALS = (
    "my old one|the previous model|my neighbour's|the one at work|the supermarket version|"
    "my brother's|the discount brand|the last one I had|the one my mother uses"
).split("|")
_SPEAKERS = (
    "they said|the advert said|my sister said|everyone said|the shop said|I was told|"
    "the other reviews said|the box claimed|a friend swore"
).split("|")
_PEOPLE = (
    "my mother|my son|my wife|my husband|a colleague|our neighbour|my grandfather|the kids|"
    "myself|my niece|my flatmate|an old friend|my boss|the family|my daughter"
).split("|")
_WHEN = (
    "every day|at weekends|twice a week|once a month|in the evenings|on holiday|before work|"
    "most mornings|now and then|when guests come|after dinner|in winter|on long journeys"
).split("|")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday".split()
_COLOURS = "red blue green black white grey yellow orange silver brown purple beige".split()
_PLACES = (
    "the garage|the cellar|my studio flat|the caravan|the office|the garden|our cottage|the loft|"
    "the hallway|the boat|the workshop|the spare room|a drawer|the balcony|the car boot"
).split("|")

# Sentences without an opinion. Some contain negations and comparisons, so that such a word alone
# carries no information about the target.
_NEUTRAL = (
    "I bought it for {person} in {month}",
    "it arrived on a {day}",
    "we use it {when}",
    "mine is the {colour} one",
    "there is also a {colour} version",
    "I have not read the manual",
    "this is not my first {product}",
    "it lives in {place}",
    "{person} picked the {colour} {product}",
    "ordered in {month} and delivered by {day}",
    "it is smaller than {rival}",
    "it is heavier than {rival} but takes less room",
    "I had never owned a {product} before",
    "no idea where it is made",
    "it replaced {rival}",
    "{person} asked for one in {month}",
    "it came in a {colour} box with {number} screws",
    "I compared {number} of them first",
    "the parcel stood in {place} until {day}",
    "my order number ended in {number}",
)

# Templates of opinions: {a} is a word of the sentence's own polarity, {o} of the opposite one.
# Each template is used for praise and for blame: swapping the word lists swaps the meaning.
_PLAIN = (
    "{aspect} is {very} {a}",
    "{aspect} is {very} {a} and {a2}",
    "{very} {a} {product}",
    "it is a {a_noun}",
    "I find {aspect} {very} {a}",
    "{aspect} turned out {very} {a}",
    "what a {a} {product}",
    "{aspect} has been {a} from the start",
)
_ORDERED = (
    "{aspect} is {not_} {o}",
    "{aspect} was {not_} {o}",
    "I find {aspect} {not_} {o}",
    "{aspect} is {not_} a {o_noun}",
    "{aspect} is not {o} but {a}",
    "{aspect} is {a}, not {o}",
    "{aspect} is more {a} than {o}",
    "{aspect} is less {o} than {a}",
    "I expected {aspect} to be {o} and it was not",
    "I thought {aspect} would be {o} but no",
    "{speaker} {aspect} would be {o}, which was wrong",
    "{speaker} {aspect} was {o} but it is not",
    "{aspect} used to be {o}, now it is {a}",
    "I wanted to call {aspect} {o} but it is {a}",
    "if only {rival} had been this {a} instead of {o}",
)
# {better} is "better" for praise and "worse" for blame; {worse} is the opposite.
_COMPARISONS = (
    "{aspect} is {better} than {rival}",
    "{rival} was {worse} than this",
    "I would take {winner} over {loser}",
    "{winner} beats {loser}",
    "next to {rival} {aspect} is {better}",
)
_CONTRASTS = (
    "although {minor}, {major}",
    "{minor}, but {major}",
    "{major}, although {minor}",
    "{minor}; in the end, however, {major}",
    "even if {minor}, {major}",
    "{major}, even if {minor}",
)


class _ReviewWriter:
    """Sentences for one product, drawn from a seeded generator."""

    def __init__(self, rng: random.Random, category: str) -> None:
        products, aspects, _ = _CATEGORIES[category]
        self.rng = rng
        self.product = rng.choice(products.split("|"))
        self.aspects = aspects.split("|") + _SHARED_ASPECTS.split("|")

    def clause(self, praise: bool) -> str:
        """Return one opinion; a quarter of them need the word order to be understood."""
        draw = self.rng.random()
        templates = _PLAIN if draw < 0.76 else _COMPARISONS if draw < 0.82 else _ORDERED
        return self._fill(self.rng.choice(templates), praise)

    def opinion(self, praise: bool) -> str:
        """Return one sentence whose main clause praises or blames."""
        if self.rng.random() < 0.2:
            return self.rng.choice(_CONTRASTS).format(
                major=self.clause(praise), minor=self.clause(not praise)
            )
        return self.clause(praise)

    def neutral(self) -> str:
        """Return one sentence without an opinion."""
        return self._fill(self.rng.choice(_NEUTRAL), praise=True)

    def _fill(self, template: str, praise: bool) -> str:
        choice = self.rng.choice
        own, opposite = (_GOOD, _BAD) if praise else (_BAD, _GOOD)
        own_nouns, opposite_nouns = (_GAINS, _PAINS) if praise else (_PAINS, _GAINS)
        this, rival = f"this {self.product}", choice(_RIVALS)
        better, worse = ("better", "worse") if praise else ("worse", "better")
        winner, loser = (this, rival) if praise else (rival, this)
        values = {
            "a": choice(own),
            "a2": choice(own),
            "o": choice(opposite),
            "a_noun": choice(own_nouns),
            "o_noun": choice(opposite_nouns),
            "not_": choice(_NEGATIONS),
            "very": choice(_INTENSIFIERS),
            "aspect": choice(self.aspects),
            "product": self.product,
            "rival": rival,
            "better": better,
            "worse": worse,
            "winner": winner,
            "loser": loser,
            "speaker": choice(_SPEAKERS),
            "person": choice(_PEOPLE),
            "month": choice(_MONTHS),
            "day": choice(_DAYS),
            "when": choice(_WHEN),
            "colour": choice(_COLOURS),
            "place": choice(_PLACES),
            "number": str(self.rng.randint(2, 40)),
        }
        return " ".join(template.format(**values).split())


def _mistype(word: str, rng: random.Random) -> str:
    """Swap two neighbouring letters of a long word, or drop one."""
    at = rng.randrange(1, len(word) - 2)
    if rng.random() < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :]


def _write(sentences: Sequence[str], rng: random.Random) -> str:
    """Join sentences with the capitals, punctuation and typing errors of typed reviews."""
    style = rng.random()
    mark = "!" if style > 0.9 else "."
    text = " ".join(sentence[0].upper() + sentence[1:] + mark for sentence in sentences)
    if style < 0.15:
        text = text.lower()
    words = [
        _mistype(word, rng) if len(word) > 4 and word.isalpha() and rng.random() < 0.015 else word
        for word in text.split(" ")
    ]
    return " ".join(words)


def make_reviews(n_rows: int = 3000, random_state: int = 0) -> pd.DataFrame:
    """Make a synthetic table of product reviews from a seed.

    The text favours models that read word order, by design: a quarter of the opinions contain a
    negation or a comparison ("not good but awful", "awful, not good"), a fifth of the sentences
    contrast two opinions, and every template is used for praise and for blame. Results on this
    table show whether a model reads word order; they do not predict the gain on another table.

    Parameters
    ----------
    n_rows : int, default=3000
        Number of rows, at least 1.
    random_state : int, default=0
        Seed. The same seed and number of rows give the same table.

    Returns
    -------
    pandas.DataFrame of shape (n_rows, 10)
        Sorted by `date`: `date` (datetime), `customer` (str, several rows each: the groups),
        `category` (str), `price` (float), `delivery_days` (int), `rating_count` (int),
        `verified` (0 or 1), `review` (str, about one in sixty missing), `rating` (float, 1 to 5)
        and `recommended` (0 or 1). `rating` almost determines `recommended`: use only one of them.

    Raises
    ------
    ValueError
        If `n_rows` is below 1.

    See Also
    --------
    load_reviews : The bundled table: the result of this function with its defaults.

    Notes
    -----
    3,000 rows take about 0.5 s and 2 MB.

    Examples
    --------
    >>> from textcnn.datasets import make_reviews
    >>> reviews = make_reviews(n_rows=50, random_state=1)
    >>> reviews.shape
    (50, 10)
    >>> sorted(reviews["recommended"].unique().tolist())
    [0, 1]
    """
    if n_rows < 1:
        raise ValueError(
            "The table needs at least one row. "
            f"Type make_reviews(n_rows=3000). Received: n_rows={n_rows!r}"
        )
    rng = random.Random(random_state)
    # Customers differ in how often they write and in how lenient they are.
    customers = [(f"C{i:04d}", rng.gauss(0, 0.35)) for i in range(max(1, n_rows // 3))]
    activity = [min(8.0, rng.paretovariate(2.0)) for _ in customers]
    rows = [
        _make_row(rng, *customer) for customer in rng.choices(customers, weights=activity, k=n_rows)
    ]
    return pd.DataFrame(rows).sort_values("date", kind="stable", ignore_index=True)


def _make_row(rng: random.Random, customer: str, leniency: float) -> dict[str, object]:
    """Make one review with its table columns and targets."""
    category = rng.choice(sorted(_CATEGORIES))
    typical_price = _CATEGORIES[category][2]
    relative_price = math.exp(rng.gauss(0, 0.45))
    delivery_days = 1 + min(20, int(rng.expovariate(0.28)))
    verified = int(rng.random() < 0.8)

    mood = rng.gauss(0.25, 1.0)
    n_opinions = rng.choice((1, 1, 2, 2, 3))
    praises = [rng.random() < 1 / (1 + math.exp(-2.5 * mood)) for _ in range(n_opinions)]
    writer = _ReviewWriter(rng, category)
    sentences = [writer.opinion(praise) for praise in praises]
    for _ in range(rng.choice((0, 1, 1, 2))):
        sentences.insert(rng.randint(0, len(sentences)), writer.neutral())
    review = None if rng.random() < 1 / 60 else _write(sentences, rng)

    opinion = sum(1 if praise else -1 for praise in praises) / n_opinions
    rating = (
        3.25
        + 1.2 * opinion
        - 0.45 * math.log(relative_price)
        - 0.05 * (delivery_days - 4)
        + (0.15 if category in ("audio", "outdoor") else -0.1)
        + leniency
        + rng.gauss(0, 0.35)
    )
    date = datetime.datetime(2023, 1, 1) + datetime.timedelta(days=rng.randrange(3 * 365))
    return {
        "date": date,
        "customer": customer,
        "category": category,
        "price": round(typical_price * relative_price, 2),
        "delivery_days": delivery_days,
        "rating_count": int(math.exp(rng.gauss(3.5 + 0.25 * (rating - 3.25), 0.9))),
        "verified": verified,
        "review": review,
        "rating": round(min(5.0, max(1.0, rating)), 1),
        "recommended": int(rating + rng.gauss(0, 0.25) > 3.25),
    }


def load_reviews() -> pd.DataFrame:
    """Read the bundled table of synthetic reviews; nothing is downloaded.

    The table is `make_reviews()` with its defaults, and its text favours models that read word
    order, by design.

    Returns
    -------
    pandas.DataFrame of shape (3000, 10)
        The columns that `make_reviews` describes; missing reviews are NaN.

    Raises
    ------
    FileNotFoundError
        If the file is missing from the installation.

    See Also
    --------
    make_reviews : The generator, for other sizes and seeds.

    Examples
    --------
    >>> from textcnn.datasets import load_reviews
    >>> reviews = load_reviews()
    >>> reviews[["price", "recommended"]].dtypes.astype(str).tolist()
    ['float64', 'int64']
    """
    installed = importlib.resources.files("textcnn") / "_data" / _FILE_NAME
    repository = Path(__file__).resolve().parent.parent / "data" / _FILE_NAME
    for place in (installed, repository):
        if place.is_file():
            with place.open("rb") as file:
                return pd.read_csv(file, compression="gzip", parse_dates=["date"])
    raise FileNotFoundError(
        f"The bundled table {_FILE_NAME} is missing; expected {installed} (installed) or "
        f"{repository} (working copy). Type: python -m textcnn.datasets data/{_FILE_NAME}"
    )


def write_reviews(path: str | Path, n_rows: int = 3000, random_state: int = 0) -> None:
    """Write a synthetic table of reviews as a gzip-compressed CSV file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file to write; an existing one is replaced.
    n_rows : int, default=3000
        Number of rows, at least 1.
    random_state : int, default=0
        Seed.

    Notes
    -----
    The same call writes the same bytes: the file contains no time stamp and no file name.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from textcnn.datasets import write_reviews
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "few.csv.gz"
    ...     write_reviews(path, n_rows=20)
    ...     path.stat().st_size > 0
    True
    """
    text = make_reviews(n_rows, random_state).to_csv(
        index=False, date_format="%Y-%m-%d", lineterminator="\n"
    )
    Path(path).write_bytes(gzip.compress(text.encode("utf-8"), compresslevel=9, mtime=0))


def _main(arguments: Sequence[str] | None = None) -> None:
    """Write the bundled file again from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m textcnn.datasets", description="Write the bundled table of reviews again."
    )
    parser.add_argument("path", help="the file to write, such as data/reviews.csv.gz")
    write_reviews(parser.parse_args(arguments).path)


if __name__ == "__main__":
    _main()
