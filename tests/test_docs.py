"""The pages in docs/: their code runs, their links lead somewhere, and Sphinx has no complaint."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if BLOCK.search(p.read_text(encoding="utf-8"))], ids=lambda p: p.name
)
def test_the_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    namespace = {"__name__": page.stem}
    for block in BLOCK.finditer(text):
        # The newlines make a traceback point at the page's own line.
        lines = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(lines + block.group(1), str(page), "exec"), namespace)
    assert len(namespace) > 2


def test_the_pages_build_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", DOCS, tmp_path / "html"]
    done = subprocess.run(
        [*command, "-d", tmp_path / "state"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    built = tmp_path / "html"
    for page in PAGES:
        assert (built / f"{page.stem}.html").is_file()
    broken = []
    for page in built.glob("*.html"):
        for link in re.findall(
            r'href="([^"#:?]+)(?:[?#][^"]*)?"', page.read_text(encoding="utf-8")
        ):
            if not (page.parent / link).exists():
                broken.append((page.name, link))
    assert not broken


def test_every_public_name_is_in_the_reference():
    import textcnn

    reference = (DOCS / "api.rst").read_text(encoding="utf-8")
    missing = [name for name in textcnn.__all__ if f"   {name}\n" not in reference]
    assert not missing
