"""The textbook: each script's short form runs, asserts its claim and saves its image."""

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("[01][0-9]_*.py") if path.stem[:2] != "01")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a script in this process, which has imported the backend already."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def run_script(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--out", str(tmp_path), *arguments])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return tmp_path / f"{name}.png"

    return run_script


@pytest.mark.parametrize("name", NAMES)
def test_the_quick_form_confirms_its_claim_and_draws(name, run):
    with Image.open(run(name, "--quick")) as image:
        assert min(image.size) > 150
        assert len(set(image.convert("L").resize((40, 40)).tobytes())) > 5


def test_the_first_example_compares_ways_to_use_a_text(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["01_reviews_in_a_table.py", "--quick"])
    runpy.run_path(str(EXAMPLES / "01_reviews_in_a_table.py"), run_name="__main__")
    shown = capsys.readouterr().out
    for line in ("Bundled reviews, a part", "no text", "TF-IDF", "tiny TextCNNEncoder"):
        assert line in shown


@pytest.mark.parametrize("name", ["04_weight_sharing", "08_cnn_or_rnn"])
def test_the_full_form_reports_missing_data(name, run, monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTCNN_DATA", str(tmp_path / "nowhere"))
    monkeypatch.delitem(sys.modules, "example_tools", raising=False)
    with pytest.raises(SystemExit, match="nowhere[\\s\\S]*TEXTCNN_DATA[\\s\\S]*--quick"):
        run(name)
    sys.modules.pop("example_tools", None)


def test_there_is_a_script_per_chapter():
    assert [name[:2] for name in NAMES] == [f"{number:02}" for number in range(2, 11)]
