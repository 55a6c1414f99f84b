"""The pages in docs/: their code runs, their links lead somewhere, and Sphinx has no complaint."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _check_guide(names):
    assert names["features"].columns.tolist() == ["review_cnn"]
    assert names["pipeline"][0].named_transformers_["text"].report_.plan.ordered
    assert list(names["own_vectors"].vocabulary_report_.index) == ["review"]
    assert 0.5 < names["accuracy"] <= 1
    assert names["ratings"].shape == (len(names["test"]),)
    assert names["more"].shape == (len(names["train"]), 1)
    assert names["image_features"].shape == (300, 1)
    assert set(names["digit"]) <= set(range(10))


def _check_index(names):
    assert names["model"].score(names["test"][names["columns"]], names["test"]["recommended"]) > 0.7
    kinds = names["features"].report_.columns["kind"].tolist()
    assert kinds == ["text", "category", "number", "number"]


def _check_quickstart(names):
    written = pd.read_csv("train_features.csv")
    assert written.columns.tolist() == names["test_features"].columns.tolist()
    assert written["review_linear"].between(0, 1).all()
    assert len(written) == 500
    assert names["probability"].shape == (3,) and names["scores"].mean() > 0.6
    assert set(names["words"]["column"]) == {"review", "customer"}
    assert names["r2"].mean() > 0.1
    assert names["by_customer"]["test_score"].mean() > 0.6


def _check_leak_safety(names):
    assert names["report"].scores["score"].notna().any()
    assert not names["result"].leaks and names["result"].verification.checked


def _check_images(names):
    assert names["features"].shape == (400, 1)
    assert names["accuracy"] > 0.3
    assert sorted(set(names["labels"])) == ["even", "odd"]
    assert list(names["names"]) == ["photo__photo_cnn", "numbers__price"]
    assert names["clip_features"].shape == (100, 1)
    assert Path("reason.png").stat().st_size > 1000


def _check_saving(names):
    np.testing.assert_allclose(
        names["features"], names["encoder"].transform(names["reviews"][["review"]].head(3))
    )
    texts = pd.DataFrame({"review": ["a lovely warm coat", "fell apart in a week"]})
    np.testing.assert_allclose(names["served"], names["encoder"].transform(texts), atol=1e-5)


def _check_textbook(names):
    lines = names["table"].set_index("layer")
    assert lines.loc["conv_1_1", "output_shape"] == (32, 32, 12)
    assert lines.loc["pool_1", "output_shape"] == (16, 16, 12)


def _check_explain(names):
    outputs = names["outputs"].set_index("row")
    np.testing.assert_allclose(outputs["base"] + names["sums"], outputs["value"], atol=1e-5)
    assert {"ngram", "total"} <= set(names["found"]) and len(names["alone"]) == 10
    assert names["gains"].ax_.get_title() == "Gain of each member on review"
    assert names["curves"].history["model"].nunique() == 5
    assert names["folds"].uses.shape == (5, 800)


def _check_tutorial(names):
    assert names["auc"] > names["auc_without"] + 0.1
    assert names["auc_without_customer"] > names["auc"] - 0.02
    expected = names["model"].predict_proba(names["X_test"].head(2))[:, 1]
    np.testing.assert_allclose(names["answers"], expected, rtol=1e-9)
    assert names["linear"]["contribution"].abs().max() > 0.5
    modules = {kind.partition(".")[0] for kind in names["unknown"]}
    assert modules == {"sklearn", "skrub", "textcnn"}


def _check_model_card(names):
    assert f"| roc_auc | {names['auc']:.3f} |" in names["text"]
    assert "Verified: no model predicted a row that it was trained on" in names["text"]
    assert "| tablefeatures__cv" in re.sub(" +", " ", names["text"])


CHECKS = {
    "explain.md": _check_explain,
    "guide.md": _check_guide,
    "index.md": _check_index,
    "leak-safety.md": _check_leak_safety,
    "model-card.md": _check_model_card,
    "images.md": _check_images,
    "quickstart.md": _check_quickstart,
    "saving.md": _check_saving,
    "textbook.md": _check_textbook,
    "tutorial.md": _check_tutorial,
}


def test_every_page_with_code_is_run():
    # Code of the hosts page needs hosts, which hosts/test_*.py have.
    with_code = {page.name for page in PAGES if BLOCK.search(page.read_text(encoding="utf-8"))}
    assert with_code - {"hosts.md"} == set(CHECKS)


@pytest.mark.parametrize("page", [DOCS / name for name in CHECKS], ids=lambda page: page.name)
def test_the_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": page.stem}
    for block in BLOCK.finditer(text):
        # The newlines make a traceback point at the page's own line.
        lines = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(lines + block.group(1), str(page), "exec"), namespace)
    CHECKS[page.name](namespace)


def test_every_number_of_the_method_stands_in_a_file_of_results():
    number = re.compile(r"\d[\d,]*(?:\.\d+)?")
    files = [REPOSITORY / "benchmarks" / f"{name}.md" for name in ("RESULTS", "LEAKS", "SPEED")]
    files += [DOCS / f"{name}.md" for name in ("leak-safety", "performance", "decisions")]
    measured = {
        found.rstrip(",")
        for path in files
        for found in number.findall(path.read_text(encoding="utf-8"))
    }
    named = number.findall((DOCS / "method.md").read_text(encoding="utf-8"))
    assert len(named) > 200
    assert not {found.rstrip(",") for found in named} - measured


def test_images_of_the_textbook_are_small_and_all_shown():
    images = sorted((DOCS / "textbook").glob("*"))
    text = (DOCS / "textbook.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(textbook/([^)]+)\)", text)
    assert sorted(shown) == [path.name for path in images]
    scripts = {path.stem for path in (REPOSITORY / "examples").glob("*.py")}
    assert {path.stem for path in images} <= scripts
    sizes = [path.stat().st_size for path in images]
    assert max(sizes) < 60_000 and sum(sizes) < 600_000


def test_the_pages_build_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", DOCS, tmp_path / "html"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "state"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    built = tmp_path / "html"
    for page in PAGES:
        assert (built / f"{page.stem}.html").is_file()
    # The list at the left shows every page, grouped as in the tutorial on documentation that has
    # four kinds of it; so each page is one click away from every other.
    index = (built / "index.html").read_text(encoding="utf-8")
    captions = re.findall(
        r'<p class="caption" role="heading"><span class="caption-text">([^<]*)', index
    )
    assert captions[:4] == ["Tutorial", "How-to", "Explanation", "Reference"]
    for page in PAGES:
        assert page.stem == "index" or f'href="{page.stem}.html"' in index
    broken, anchors = [], {}
    for page in built.glob("**/*.html"):
        for link, anchor in re.findall(
            r'href="([^"#:?]*)(?:\?[^"#]*)?(?:#([^"]*))?"', page.read_text(encoding="utf-8")
        ):
            target = page.parent / link if link else page
            if not target.exists():
                broken.append((page.name, link))
            elif anchor and target.suffix == ".html":
                if target not in anchors:
                    anchors[target] = set(re.findall(r'id="([^"]+)"', target.read_text("utf-8")))
                if anchor not in anchors[target]:
                    broken.append((page.name, f"{link}#{anchor}"))
    assert not broken


def test_every_public_name_is_in_the_reference():
    import textcnn

    reference = (DOCS / "api.rst").read_text(encoding="utf-8")
    missing = [name for name in textcnn.__all__ if f"   {name}\n" not in reference]
    assert not missing
