"""The table and the model, once for all tests of an engine."""

import parts
import pytest


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    return parts.make_table(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return parts.make_model(tmp_path_factory.mktemp("model"))
