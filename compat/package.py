"""Build the package as for an index, and use the wheel where there is nothing else.

    make package

Builds sdist and wheel by ``python -m build`` (the wheel from the sdist), checks them by ``twine
check --strict``, installs the wheel alone in an empty environment, fits there, runs the demo, and
runs the command by pipx. COMPAT.md contains the latest result. Needs only Python and a package
index.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from run import FOLDER, REPOSITORY, installed, keep, run, tail, today, write_results

FIT = """
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from textcnn import TableFeatures, TextLinearEncoder
from textcnn.datasets import load_reviews

reviews = load_reviews().head(300)
X, y = reviews[["review", "category", "price"]], reviews["recommended"]
encoder = TextLinearEncoder(cv=3, random_state=0)
assert encoder.fit_transform(X[["review"]], y).shape == (300, 1)
features = TableFeatures(cv=3, categories="one-hot", random_state=0)
model = make_pipeline(features, LogisticRegression(max_iter=1000)).fit(X, y)
assert model.predict_proba(X.head(5)).shape == (5, 2)
"""


def main() -> int:
    """Run the steps; return 1 if one failed."""
    (FOLDER / ".venvs").mkdir(exist_ok=True)
    result = {"setting": "wheel", "date": today(), "python": "", "versions": {}, "seconds": 0}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=FOLDER / ".venvs") as place:
        done, failure = [], ""
        for name, command in steps(Path(place)):
            sys.stdout.write(f"{name} ...\n")
            sys.stdout.flush()
            ended = run([str(word) for word in command()], folder=Path(place))
            if ended.returncode:
                failure = f"{name}\n{tail(ended.stdout)}"
                break
            done.append(name)
        python = Path(place) / "empty" / "bin" / "python"
        if python.exists():
            result["python"] = installed(python, [])["python"]
    result |= {
        "outcome": f"failed: {failure.splitlines()[0]}" if failure else ", ".join(done),
        "seconds": round(time.monotonic() - started),
        "traceback": failure,
    }
    keep(FOLDER / "results", "wheel", result)
    write_results()
    sys.stdout.write(f"{result['outcome']}\n{failure}\n")
    return int(bool(failure))


def steps(place: Path):
    """Return names of steps, and functions that return the command of each."""
    tools, empty = place / "tools" / "bin" / "python", place / "empty" / "bin" / "python"
    dist, script = place / "dist", place / "fit.py"
    script.write_text(FIT, encoding="utf-8")
    pipx = ["env", f"PIPX_HOME={place / 'pipx'}", tools, "-m", "pipx"]
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def wheel() -> Path:
        (path,) = dist.glob("*.whl")
        return path

    return [
        ("tools", lambda: [sys.executable, "-m", "venv", place / "tools"]),
        ("build, twine and pipx", lambda: [tools, *pip, "build", "twine", "pipx"]),
        ("python -m build", lambda: [tools, "-m", "build", "-o", dist, REPOSITORY]),
        (
            "twine check --strict",
            lambda: [tools, "-m", "twine", "check", "--strict", *dist.iterdir()],
        ),
        ("empty environment", lambda: [sys.executable, "-m", "venv", place / "empty"]),
        ("pip install of the wheel", lambda: [empty, *pip, wheel()]),
        ("fit", lambda: [empty, "-I", script]),
        ("python -m textcnn demo", lambda: [empty, "-I", "-m", "textcnn", "demo"]),
        ("pipx run", lambda: [*pipx, "run", "--spec", wheel(), "textcnn", "--help"]),
    ]


if __name__ == "__main__":
    sys.exit(main())
