"""What needs no backend and no gensim imports neither: a process looks at its modules."""

import json
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "gensim", "jax", "torch")
TABLE = """
import pandas as pd
texts = ["a good film", "a bad film", "it was very good", "it was so bad"] * 6
y = [1, 0, 1, 0] * 6
table = pd.DataFrame({"price": range(24), "review": texts})
"""
WAYS = {
    "import": "import textcnn",
    "linear": TABLE
    + """
from textcnn import TextLinearEncoder
encoder = TextLinearEncoder(cv=2, random_state=0)
encoder.fit_transform(texts, y)
encoder.transform(["good"])
encoder.report_.verify()
encoder.explain(["good film"]).to_frame()
""",
    "network": TABLE
    + """
import tempfile, textcnn
from textcnn import TextCNNEncoder
encoder = TextCNNEncoder(cv=2, n_filters=2, epochs=1, random_state=0)
encoder.fit_transform(texts, y)
path = tempfile.mkdtemp() + "/m.textcnn"
encoder.save(path)
textcnn.load(path).transform(["good"])
encoder.explain(["good film"]).to_frame()
encoder.top_ngrams()
""",
    "any estimator": TABLE
    + """
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from textcnn import OutOfFoldEncoder
encoder = OutOfFoldEncoder(LogisticRegression(), shared=CountVectorizer(), cv=2, random_state=0)
encoder.fit_transform(texts, y)
""",
    "table": TABLE
    + """
from textcnn import TableFeatures
stage = TableFeatures(("svd", "linear"), cv=2, columns=["review"], random_state=0)
stage.fit_transform(table, y)
stage.transform(table.head(2))
str(stage.report_)
""",
    "command": TABLE
    + """
import os, tempfile
from textcnn.command_line.main import main
os.chdir(tempfile.mkdtemp())
table.assign(y=y).to_csv("t.csv", index=False)
arguments = ["fit-transform", "t.csv", "--kind", "linear", "--text", "review", "--target", "y"]
assert main([*arguments, "--out", "o.csv", "--save", "m.textcnn"]) == 0
assert main(["transform", "t.csv", "--model", "m.textcnn", "--out", "n.csv"]) == 0
assert main(["report", "m.textcnn"]) == 0
""",
    "demo": """
import os, tempfile
from textcnn.command_line.main import main
from textcnn.datasets import make_reviews
os.chdir(tempfile.mkdtemp())
make_reviews(200).to_csv("t.csv", index=False)
arguments = ["demo", "--only-csv", "--csv", "t.csv", "--text", "review", "--drop", "rating"]
assert main([*arguments, "--target", "recommended"]) == 0
""",
}


def test_no_backend_and_no_gensim_is_imported():
    """In one process, one way after another: the first that imports one is named."""
    code = f"""
import json, sys
for way, code in json.loads(sys.argv[1]).items():
    exec(compile(code, way, "exec"), {{}})
    print("LOADED", way, [name for name in {HEAVY} if name in sys.modules])
"""
    surroundings = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, json.dumps(WAYS)],
        capture_output=True,
        text=True,
        env=surroundings | {"CUDA_VISIBLE_DEVICES": "-1"},  # either would choose Keras
        cwd=REPOSITORY,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    assert found == [f"LOADED {way} []" for way in WAYS]
