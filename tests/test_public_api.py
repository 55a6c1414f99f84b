"""The public face: names, docstrings, and no import that is not needed."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest

import textcnn

REPOSITORY = Path(__file__).resolve().parent.parent
ESTIMATORS = [
    name
    for name in textcnn.__all__
    if name.startswith(("ImageCNN", "OutOfFold", "TableFeatures", "TextCNN", "TextLinear"))
    and not name.endswith("Warning")
]

NETWORKS = ["Backbone", "ConvNetwork", "ResidualNetwork", "SequenceNetwork"]


def test_all_names_resolve_and_are_sorted():
    assert textcnn.__all__ == sorted(textcnn.__all__)
    assert set(textcnn.__all__) <= set(dir(textcnn))
    for name in textcnn.__all__:
        assert getattr(textcnn, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'TextRNN'"):
        textcnn.TextRNN  # noqa: B018


def test_version_is_that_of_the_package():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == textcnn.__version__


@pytest.mark.parametrize("name", [*ESTIMATORS, *NETWORKS])
def test_every_parameter_is_documented_in_the_order_of_the_signature(name):
    estimator = getattr(textcnn, name)
    text = inspect.cleandoc(estimator.__doc__)
    section = re.split("Attributes\n|See Also\n", text.split("Parameters\n")[1])[0]
    documented = re.findall(r"^(\S.*?) : ", section, re.MULTILINE)
    assert set(documented) == set(inspect.signature(estimator).parameters)
    assert "Examples" in estimator.__doc__
    assert "Cost:" in estimator.__doc__ or name in NETWORKS


@pytest.mark.parametrize("name", ["ImageCNNEncoder", "TableFeatures", "TextCNNEncoder"])
def test_an_encoder_says_everywhere_that_fit_and_transform_is_not_fit_transform(name):
    encoder = getattr(textcnn, name)
    for thing in (encoder, encoder.fit, encoder.transform):
        assert "fit_transform" in thing.__doc__
    assert "transform(X)``" in encoder.fit_transform.__doc__


# Names of others' interfaces, what a notebook shows, and two of the standard library.
NO_PRIVATES = {
    "_exit",
    "_feature_desc",
    "_modules_needed_by_name",
    "_output_feature_names",
    "_repr_html_",
    "_thread",
}


def private_names(path):
    """Yield the privates of other modules and objects that a file of tests names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            names = [] if is_own else [node.attr]
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
            names += (getattr(node, "module", None) or "").split(".")
        else:
            names = []
        for name in names:
            if name.startswith("_") and not name.endswith("__") and name not in NO_PRIVATES:
                yield f"{path.name}:{node.lineno} {name}"


def test_one_file_of_the_tests_looks_inside():
    """A test of what a private does breaks with every change of the inside, and proves less."""
    paths = [path for path in (REPOSITORY / "tests").rglob("*.py") if path.name != "inside.py"]
    assert len(paths) > 50
    assert [found for path in paths for found in private_names(path)] == []
    assert list(private_names(REPOSITORY / "tests" / "inside.py")), "it is what is found"
