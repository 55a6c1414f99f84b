"""Fuzz tests with hostile texts, frames and files: no crash, no hang, only documented exceptions.

    python hardening/fuzz.py                          # 100,000 texts, and the other parts
    python hardening/fuzz.py --share 0.01             # one per cent of it
    python hardening/fuzz.py texts models --seed 7    # only these parts, another seed

Each part stops at its first failure, which hypothesis shrinks; Ctrl-C keeps the results so far.
The exit status is 1 after a failure. RESULTS.md in this folder contains the latest result of every
part. If atheris is installed, the file readers are also tested with coverage-guided inputs.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import importlib.util
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
# For hosts/results.py and tests/forged_files.py.
sys.path[:0] = [str(FOLDER), str(REPOSITORY), str(REPOSITORY / "hosts"), str(REPOSITORY / "tests")]

import guided  # noqa: E402
import hostile  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from forged_files import forged, forged_state  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from page import write_results  # noqa: E402
from results import keep, today  # noqa: E402

import textcnn  # noqa: E402
import textcnn.serving  # noqa: E402
from textcnn import TableFeatures, TextCNNEncoder, TextLinearEncoder, WordVectors  # noqa: E402
from textcnn.command_line.main import main as run_command  # noqa: E402
from textcnn.persistence import FileFormatError  # noqa: E402
from textcnn.text.tokens import character_tokens, tokenize_column, word_tokens  # noqa: E402

COUNTS = {"texts": 100_000, "frames": 1000, "vectors": 20_000, "models": 10_000, "tables": 2000}
COUNTS |= {"images": 5000, "guided": 200_000}
TEXTS_AT_A_TIME = 20
# The linear encoder counts all character n-grams: a word of a million characters takes seconds.
LONGEST_FOR_LINEAR = 1000
SECONDS_PER_EXAMPLE = 120
WORDS = ["good film", "a bad and slow one", "so good", "bad", "fine story", "poor plot, bad cast"]
TEXTS, LIKED = WORDS * 8, [1, 0, 1, 0, 1, 0] * 8
SMALL = {"n_filters": 2, "kernel_sizes": (2, 3), "epochs": 1, "cv": 2, "random_state": 0}
SMALL |= {"learned_dim": 3}


class HangError(Exception):
    """An example took too long."""


class SkippedError(Exception):
    """A part cannot run on this machine."""


class Counter:
    """Number of examples, in all and by outcome."""

    def __init__(self):
        self.n, self.outcomes = 0, {}

    def add(self, outcome: str, n: int = 1) -> None:
        """Count examples of an outcome."""
        self.n += n
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + n


def main() -> int:
    """Run the given parts; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Fuzz with hostile texts, frames and files.")
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(COUNTS)}; default: all")
    parser.add_argument("--share", type=float, default=1.0, help="share of the examples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=FOLDER / "results")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(COUNTS))
    if unknown:
        parser.error(f"expected some of {', '.join(COUNTS)}. Received: {', '.join(unknown)}")
    faulthandler.enable()
    found = False
    for name in options.parts or COUNTS:
        n = max(1, round(COUNTS[name] * options.share))
        result = run_part(name, n, options.seed)
        keep(options.results, f"fuzz-{name}", result)
        write_results(options.results)
        sys.stdout.write(f"{name}: {result['n']:,} tried, {result['outcome']}\n")
        sys.stdout.flush()
        found = found or bool(result["traceback"])
        if "interrupted" in result["outcome"]:
            return 130
    return int(found)


def run_part(name: str, n: int, seed_: int) -> dict:
    """Run one part; a failure is returned in the result, not raised."""
    counter, started, output, outcome = Counter(), time.monotonic(), "", "no failure"
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            PARTS[name](n, seed_, counter, Path(folder))
        except KeyboardInterrupt:
            outcome = "no failure until it was interrupted"
        except SkippedError as error:
            outcome = f"skipped: {error}"
        except Exception:  # any exception is the result
            outcome = "failure, see below"
            output = re.sub(r'File "/\S*/', 'File "', traceback.format_exc()[-6000:])
    return {
        "name": f"fuzz: {name}",
        "date": today(),
        "n": counter.n,
        "seed": seed_,
        "outcome": outcome,
        "outcomes": counter.outcomes,
        "seconds": round(time.monotonic() - started),
        "traceback": output,
    }


@contextlib.contextmanager
def no_hang():
    """Interrupt an example that takes too long."""

    def ring(*_):
        raise HangError(f"longer than {SECONDS_PER_EXAMPLE} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS_PER_EXAMPLE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def try_until(n: int, seed_: int, counter: Counter, check, strategy) -> None:
    """Generate examples until ``n`` were counted; hypothesis may run out of examples earlier."""
    for round_ in range(1000):
        if counter.n >= n:
            return

        @settings(
            max_examples=max(1, min(1000, n - counter.n)),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @seed(seed_ * 1000 + round_)
        @given(strategy)
        def one(example):
            if counter.n < n or check.failed:
                check.failed = True
                with no_hang():
                    check(example)
                check.failed = False

        check.__dict__.setdefault("failed", False)
        one()


def fitted_models() -> dict:
    """Return small fitted encoders, one per way of processing text."""
    table = pd.DataFrame({"review": TEXTS, "title": TEXTS[::-1]})
    vectors = WordVectors(["good", "bad", "İ", "你"], np.eye(4))
    return {
        "words": TextCNNEncoder(**SMALL).fit(TEXTS, LIKED),
        "characters": TextCNNEncoder(level="char", **SMALL).fit(TEXTS, LIKED),
        "vectors": TextCNNEncoder(vectors, max_length=None, **SMALL).fit(TEXTS, LIKED),
        "joined": TextCNNEncoder(join_columns=True, **SMALL).fit(table, LIKED),
        "linear": TextLinearEncoder(cv=2).fit(TEXTS, LIKED),
    }


def try_texts(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Test tokenizers and transform; a row's features must not depend on the other rows."""
    models = fitted_models()
    models["words"].save(folder / "a.textcnn")
    served = textcnn.serving.load(folder / "a.textcnn")
    random = np.random.default_rng(seed_)

    def check(texts: list[str]) -> None:
        for text in texts:
            words = word_tokens(text)
            assert all(isinstance(word, str) and 0 < len(word) <= 101 for word in words)
            assert len("".join(character_tokens(text))) <= len(text)
        tokenized = tokenize_column(texts, "word")
        assert len(tokenized.offsets) == len(texts) + 1
        features = {}
        for name, model in models.items():
            X = texts
            if name == "joined":  # as objects: pandas' strings cannot hold lone surrogates
                X = pd.DataFrame({"review": texts, "title": texts}, dtype=object)
            if name == "linear" and counter.n:  # only the first text keeps its million characters
                X = [text[:LONGEST_FOR_LINEAR] for text in texts]
            features[name] = model.transform(X)
            assert features[name].shape[0] == len(texts), name
            assert np.isfinite(features[name]).all(), name
        np.testing.assert_allclose(served.transform(texts), features["words"], atol=1e-5)
        alone = models["words"].transform([texts[-1]])
        np.testing.assert_allclose(alone[0], features["words"][-1], atol=1e-5)
        counter.add("transformed", len(texts))

    # hypothesis cannot generate a million characters one by one.
    for _ in range(max(1, n // 2500)):
        with no_hang():
            check([hostile.megabytes(random)])
    lists = st.lists(hostile.texts, min_size=TEXTS_AT_A_TIME, max_size=TEXTS_AT_A_TIME)
    try_until(n, seed_, counter, check, lists)


def try_frames(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Fit and transform on any frame; the only errors are ValueError and TypeError."""
    words = TextCNNEncoder(**SMALL).fit(pd.DataFrame({"review": TEXTS}), LIKED)

    def check(frame_and_target) -> None:
        X, y = frame_and_target
        calls = {
            "linear": lambda: TextLinearEncoder(cv=2, random_state=0).fit_transform(X, y),
            "table": lambda: TableFeatures(["linear"], cv=2, random_state=0).fit_transform(X, y),
            "whole table": lambda: TableFeatures(["linear"], columns="all", cv=2).fit(X, y),
            "transform": lambda: words.transform(X),
        }
        for name, call in calls.items():
            try:
                call()
            except (ValueError, TypeError) as error:
                assert str(error), name
                counter.outcomes[type(error).__name__] = (
                    counter.outcomes.get(type(error).__name__, 0) + 1
                )
            except RuntimeError as error:
                if str(error) != "no text":  # raised by the cell
                    raise
        counter.add("frames")

    try_until(n, seed_, counter, check, hostile.frames())


def try_vectors(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Read damaged files of word vectors; not pickles, which may run code."""
    random = np.random.default_rng(seed_)
    table = random.normal(size=(30, 4)).astype(np.float32)
    words = [f"word{i}" for i in range(28)] + ["你好", "e\u0301"]
    lines = [
        f"{word} {' '.join(f'{x:.3f}' for x in row)}"
        for word, row in zip(words, table, strict=True)
    ]
    glove = "\n".join(lines).encode()
    text = b"30 4\n" + glove + b"\n"
    binary = b"30 4\n" + b"".join(
        word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(words, table, strict=True)
    )
    good = [glove, text, binary, random.bytes(300), b""]
    path = folder / "vectors.txt"
    for _ in range(n):
        first, second = (good[i] for i in random.integers(0, len(good), 2))
        content = hostile.damaged(first, second, random)
        if content[:1] == b"\x80":
            continue
        path.write_bytes(content)
        with no_hang():
            try:
                vectors = WordVectors.from_file(path)
            except ValueError as error:
                assert "Received" in str(error) or "Expected" in str(error), str(error)
                counter.add(type(error).__name__)
            else:
                assert np.isfinite(vectors.take(np.arange(len(vectors)))).all()
                counter.add("read")


def try_models(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Load saved models, damaged or forged with correct hashes; call transform if loaded."""
    random = np.random.default_rng(seed_)
    table = pd.DataFrame({"review": TEXTS, "price": range(len(TEXTS))})
    makers = {
        "words": TextCNNEncoder(**SMALL).fit(table[["review"]], LIKED),
        "linear": TextLinearEncoder(cv=2).fit(table[["review"]], LIKED),
        "table": TableFeatures(["linear", "svd"], cv=2).fit(table, LIKED),
    }
    path, contents = folder / "model.textcnn", []
    for model in makers.values():
        model.save(path)
        contents.append(path.read_bytes())

    def other_state(state):
        """Replace one value of the state by another one of its values, or by an invented value."""
        places = list(_places(state))
        holder, key = places[int(random.integers(len(places)))]
        if random.integers(2):
            other_holder, other_key = places[int(random.integers(len(places)))]
            holder[key] = json.loads(json.dumps(other_holder[other_key]))
        else:
            holder[key] = INVENTED[int(random.integers(len(INVENTED)))]
        return state

    def other_member(members, manifest):
        names = [name for name in members if name.endswith(".npy")]
        name = names[int(random.integers(len(names)))]
        members[name] = hostile.damaged(
            members[name], members[names[int(random.integers(len(names)))]], random
        )

    for _ in range(n):
        content = contents[int(random.integers(len(contents)))]
        match int(random.integers(4)):
            case 0:
                content = hostile.damaged(content, contents[0], random)
            case 1:
                content = forged(content, other_member)
            case _:
                content = forged_state(content, other_state)
        path.write_bytes(content)
        with no_hang():
            try:
                model = textcnn.load(path)
            except FileFormatError:
                counter.add("FileFormatError")
                continue
            counter.add(_answer(model, table))


INVENTED = [None, True, -1, 0, 10**9, 10**30, 0.5, "", "words", [], [[]], {}, {"array": 0}]
INVENTED += [{"array": 1}, {"tuple": []}, {"float": "nan"}, {"float": "-inf"}, {"dict": []}]
INVENTED += [{"scalar": 0}, {"path": "/etc"}, {"not_stored": "x"}, {"callable": "os.system"}]


def _places(node):
    """Yield the container and key of every value in a state."""
    if isinstance(node, list | dict):
        for key in range(len(node)) if isinstance(node, list) else list(node):
            yield node, key
            yield from _places(node[key])


def _answer(model, table) -> str:
    """Call transform of a forged model, which may return anything or raise the listed errors.

    The author of the file decides what it computes; SECURITY.md guarantees nothing about the
    values.
    """
    try:
        model.transform(table if isinstance(model, TableFeatures) else table[["review"]])
    except (ValueError, TypeError) as error:
        return f"loaded, transform raised {type(error).__name__}"
    return "loaded, transform answered"


def try_tables(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Give damaged tables to the command: status 0 with features, or status 2 with one line."""
    random = np.random.default_rng(seed_)
    TextLinearEncoder(cv=2).fit(pd.DataFrame({"review": TEXTS}), LIKED).save(folder / "m.textcnn")
    frame = pd.DataFrame({"review": TEXTS[:6] + ['a "quoted", one\n', "\ufeff\x00"]})
    frame.to_parquet(folder / "good.parquet")
    good = {
        "csv": frame.to_csv(index=False).encode(),
        "jsonl": frame.to_json(orient="records", lines=True).encode(),
        "parquet": (folder / "good.parquet").read_bytes(),
    }
    for number in range(n):
        kind = list(good)[number % 3]
        path = folder / f"bad.{kind}"
        others = list(good.values())
        path.write_bytes(hostile.damaged(good[kind], others[int(random.integers(3))], random))
        output = io.StringIO()
        arguments = ["transform", str(path), "--model", str(folder / "m.textcnn")]
        with no_hang(), contextlib.redirect_stderr(output):
            status = run_command([*arguments, "--out", str(folder / "out.csv")])
        lines = output.getvalue().splitlines()
        lines = [line for line in lines if not line.startswith("textcnn: warning: ")]
        assert status in (0, 2), status
        assert status == 0 or len(lines) == 1, lines
        assert (folder / "out.csv").exists() == (status == 0)
        (folder / "out.csv").unlink(missing_ok=True)
        counter.add(f"status {status}")


def try_images(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Read damaged image files: decoded, or an ImageError that names the file."""
    from PIL import Image

    from textcnn import ImageError
    from textcnn.image.files import decode_file

    random = np.random.default_rng(seed_)
    good = []
    for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff"):
        buffer = io.BytesIO()
        pixels = random.integers(0, 255, (9, 7, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, kind)
        good.append(buffer.getvalue())
    path = folder / "image.png"
    for _ in range(n):
        first, second = (good[i] for i in random.integers(0, len(good), 2))
        path.write_bytes(hostile.damaged(first, second, random))
        with no_hang():
            try:
                pixels = decode_file(path, (6, 6), color_mode="rgb", resize="stretch")
            except ImageError as error:
                assert "image.png" in str(error), str(error)
                counter.add("ImageError")
            else:
                assert pixels.shape == (6, 6, 3)
                counter.add("decoded")


def try_guided(n: int, seed_: int, counter: Counter, folder: Path) -> None:
    """Run three file readers under atheris, with coverage-guided inputs."""
    if importlib.util.find_spec("atheris") is None:
        raise SkippedError("atheris is not installed")
    for target in guided.TARGETS:
        runs = max(1, n // len(guided.TARGETS))
        command = [sys.executable, str(FOLDER / "guided.py"), target, str(folder)]
        limits = [f"-runs={runs}", f"-seed={seed_ + 1}", "-timeout=60", "-rss_limit_mb=4096"]
        done = subprocess.run(
            [*command, *limits, "-max_len=4096", f"-artifact_prefix={folder}/"],
            capture_output=True,
            text=True,
            timeout=3600,
        )
        if done.returncode:
            raise RuntimeError(f"{target}: status {done.returncode}\n{done.stderr[-4000:]}")
        counter.add(f"{target}: read or refused", runs)


PARTS = {
    "texts": try_texts,
    "frames": try_frames,
    "vectors": try_vectors,
    "models": try_models,
    "tables": try_tables,
    "images": try_images,
    "guided": try_guided,
}

if __name__ == "__main__":
    sys.exit(main())
