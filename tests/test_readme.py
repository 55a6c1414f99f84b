import re
from pathlib import Path

import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def names():
    """What the README's code leaves behind, all blocks run in order in one namespace."""
    namespace = {"__name__": "readme"}
    for block in BLOCK.finditer(README):
        line = README.count("\n", 0, block.start(1))
        # The newlines make a traceback point at the README's own line.
        code = compile("\n" * line + block.group(1), "README.md", "exec")
        exec(code, namespace)
    return namespace


def test_the_first_block_prints_the_score_that_the_text_says(names):
    text = re.search(r"# about (0\.\d+); numbers alone: (0\.\d+)", README)
    with_text, without = map(float, text.groups())
    model, X_test, y_test = names["model"], names["X_test"], names["y_test"]
    score = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    assert score == pytest.approx(with_text, abs=0.015)
    numbers = ["price", "delivery_days", "rating_count", "verified"]
    alone = clone(model[-1]).fit(names["X_train"][numbers], names["y_train"])
    score = roc_auc_score(y_test, alone.predict_proba(X_test[numbers])[:, 1])
    assert score == pytest.approx(without, abs=0.015)


def test_the_later_blocks_give_what_the_text_says(names):
    assert names["probabilities"].shape == (len(names["test"]),)
    assert "columntransformer__text__kernel_sizes" in names["network"].get_params()
    assert "columntransformer__text__kernel_sizes" in README


def test_every_python_block_is_found():
    assert len(BLOCK.findall(README)) == README.count("```python") >= 2


def test_the_readme_shows_the_targets_and_only_those_that_exist():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    shown = set(re.findall(r"(?:^    |`)make (\w+)", README, re.MULTILINE))
    assert {"demo", "test"} <= shown
    for target in shown:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_lead_to_files_of_the_repository():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    for link in links:
        assert (REPOSITORY / link).is_file(), link


def test_the_readme_stays_one_page():
    assert len(README.splitlines()) <= 130
