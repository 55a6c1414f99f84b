"""The notebook runs from its first cell to its last, and what it shows is what is stored in it.

To store new outputs: ``TF_CPP_MIN_LOG_LEVEL=3 python tests/test_notebook.py``, at the root.
"""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parent.parent
NOTEBOOK = REPOSITORY / "examples" / "notebook.ipynb"
LARGEST = 200_000  # bytes


def run_notebook():
    """Return the stored notebook, and the same with outputs made now."""
    stored = nbformat.read(NOTEBOOK, as_version=4)
    made = nbformat.from_dict(stored)
    folder = {"metadata": {"path": str(REPOSITORY)}}  # so that the kernel imports this textcnn
    NotebookClient(made, timeout=300, record_timing=False, resources=folder).execute()
    return stored, made


def shown(cell):
    """Return the kinds of output of a cell; what a backend logs is none."""
    kinds = []
    for output in cell.get("outputs", ()):
        if output["output_type"] == "stream":
            kinds += [output["name"]] if output["name"] == "stdout" else []
        else:
            kinds += sorted(output["data"])
    return kinds


def text_of(cell):
    return "".join(
        output["text"] if output["output_type"] == "stream" else output["data"]["text/plain"]
        for output in cell["outputs"]
        if output.get("name") != "stderr"
    )


def test_the_notebook_runs_and_shows_what_is_stored(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    stored, made = run_notebook()
    nbformat.validate(stored)
    assert NOTEBOOK.stat().st_size < LARGEST
    pairs = [
        (before, after)
        for before, after in zip(stored.cells, made.cells, strict=True)
        if before["cell_type"] == "code"
    ]
    for before, after in pairs:
        assert shown(before) == shown(after) != [] or "fit_transform" not in before["source"]
        assert shown(before) == shown(after)
        assert before["execution_count"] == after["execution_count"]
    texts = [text_of(after) for _, after in pairs]
    assert any("Verified: 1,000 predictions" in text for text in texts)
    assert any("the same features: True" in text for text in texts)
    html = [
        output["data"]["text/html"]
        for _, after in pairs
        for output in after["outputs"]
        if "text/html" in output.get("data", {})
    ]
    assert any("Colours: " in page for page in html)
    scores = next(text for text in texts if "with the text" in text).split("\n")
    without, with_text = (float(line.split()[-1]) for line in scores[:2])
    assert with_text > without + 0.05


def store_outputs():
    """Run the notebook and write it with its outputs, without what a backend logs."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _, made = run_notebook()
    for cell in made.cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = [o for o in cell["outputs"] if o.get("name") != "stderr"]
    nbformat.write(made, NOTEBOOK)


if __name__ == "__main__":
    store_outputs()
