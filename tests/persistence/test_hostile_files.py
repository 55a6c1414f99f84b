"""Whatever a file holds, reading it gives the estimator or one documented error."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from checks import signal_table, tiny
from forged_files import forged, forged_state, members_of, zip_of
from hypothesis import given, settings
from hypothesis import strategies as st
from inside import (
    HEAD,
    MAY_BE_ANYTHING,
    MEMBERS,
    MODEL_SETS,
    ROW_HASHES,
    SOFTMAX,
    TEXT_NUMBERS,
)

import textcnn
from textcnn import TableFeatures, TextLinearEncoder
from textcnn.persistence import FileFormatError, archive

NEW = ["good film", "a bad and slow one", ""]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    X, y = signal_table(40, seed=0)
    encoder = tiny(cv=2, learned_dim=3).fit(X["review"].tolist(), y)
    path = tmp_path_factory.mktemp("saved") / "reviews.textcnn"
    encoder.save(path)
    return path.read_bytes(), encoder.transform(NEW)


@pytest.fixture
def load_bytes(tmp_path):
    def load(content):
        path = tmp_path / "file.textcnn"
        path.write_bytes(content)
        return textcnn.load(path)

    return load


def test_every_cut_is_noticed(saved, load_bytes):
    content, _ = saved
    for length in [0, 1, 21, 22, 100, *range(200, len(content), len(content) // 40)]:
        with pytest.raises(FileFormatError, match="cannot be loaded as an estimator"):
            load_bytes(content[:length])
    with pytest.raises(FileFormatError):
        load_bytes(content[100:])
    with pytest.raises(FileFormatError):
        load_bytes(content + b"\0")


def test_a_flipped_bit_in_any_member_is_noticed(saved, load_bytes):
    content, _ = saved
    with zipfile.ZipFile(io.BytesIO(content)) as saved_zip:
        infos = saved_zip.infolist()
    assert len(infos) > 10
    for info in infos:
        start = info.header_offset + 30 + len(info.filename)
        assert content[start : start + 10] == members_of(content)[info.filename][:10]
        for place in (start, start + info.file_size // 2, start + info.file_size - 1):
            flipped = bytearray(content)
            flipped[place] ^= 4
            with pytest.raises(FileFormatError):
                load_bytes(bytes(flipped))


def test_a_flipped_bit_anywhere_gives_an_error_or_changes_nothing(saved, load_bytes):
    content, features = saved
    random = np.random.default_rng(0)
    n_harmless = 0
    for place in random.integers(0, len(content), 300).tolist():
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(random.integers(8))
        try:
            loaded = load_bytes(bytes(flipped))
        except FileFormatError:
            continue
        n_harmless += 1  # a date or another remark in the zip's own lists
        np.testing.assert_array_equal(loaded.transform(NEW), features)
    assert n_harmless < 60


@pytest.mark.parametrize("version", [0, 3, 10**6, "1", None, True, 1.0, [1]])
def test_another_format_version_is_named(saved, load_bytes, version):
    content = forged(saved[0], lambda _, manifest: manifest.update(format_version=version))
    with pytest.raises(FileFormatError, match="format version is unknown.*Received: "):
        load_bytes(content)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"a,b\n1,2\n" * 10, b"\x80\x04K\x01."])
def test_no_zip_file_at_all(load_bytes, content):
    with pytest.raises(FileFormatError, match=r"Received: .*file\.textcnn"):
        load_bytes(content)


def test_a_foreign_zip_file(load_bytes):
    for members in ({}, {"a.txt": b"a"}, {"manifest.json": b"{}"}, {"manifest.json": b"[" * 10**5}):
        with pytest.raises(FileFormatError):
            load_bytes(zip_of(members))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(saved, load_bytes):
    members = members_of(saved[0])
    with pytest.raises(FileFormatError, match="compressed"):
        load_bytes(zip_of(members, zipfile.ZIP_DEFLATED))
    bomb = members | {"arrays/0.npy": bytes(50_000_000)}
    small = zip_of(bomb, zipfile.ZIP_DEFLATED)
    assert len(small) < 500_000
    with pytest.raises(FileFormatError, match="compressed"):
        load_bytes(small)


def test_members_that_share_their_bytes_are_refused(saved, load_bytes):
    content = bytearray(saved[0])
    # The second entry of the central directory is sent to the bytes of the first.
    start = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", start + 4)
    struct.pack_into("<L", content, second + 42, struct.unpack_from("<L", content, start + 42)[0])
    with pytest.raises(FileFormatError, match="are inconsistent"):
        load_bytes(bytes(content))


@pytest.mark.parametrize("where", ["end", "end64"])
def test_a_huge_directory_is_refused_before_it_is_read(saved, load_bytes, where):
    content = bytearray(saved[0])
    if where == "end":
        struct.pack_into("<L", content, len(content) - 10, archive.MAX_DIRECTORY_BYTES + 1)
    else:
        end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
        content[-22:-22] = end64 + locator
    with pytest.raises(FileFormatError, match="list of members is too large"):
        load_bytes(bytes(content))


@pytest.mark.parametrize(
    "name", ["../evil.npy", "/etc/passwd", "arrays/../../x.npy", "arrays\\0.npy", "arrays/0.npy\n"]
)
def test_no_name_leads_out_of_the_file(saved, load_bytes, tmp_path, name):
    members = members_of(saved[0])
    with pytest.raises(FileFormatError, match="unexpected name"):
        load_bytes(zip_of({name: b"x"} | members))
    with pytest.raises(FileFormatError, match="unexpected name"):
        load_bytes(forged(saved[0], lambda members, _: members.update({name: b"x"})))
    assert [path.name for path in tmp_path.iterdir()] == ["file.textcnn"]


def test_a_member_that_stands_twice_or_is_not_used(saved, load_bytes):
    with pytest.warns(UserWarning, match="Duplicate name"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as twice:
            for name, data in members_of(saved[0]).items():
                twice.writestr(name, data)
            twice.writestr("state.json", b"{}")
    with pytest.raises(FileFormatError, match="unexpected name"):
        load_bytes(buffer.getvalue())
    extra = members_of(saved[0])["arrays/0.npy"]
    with pytest.raises(FileFormatError, match="unknown members"):
        load_bytes(forged(saved[0], lambda m, _: m.update({"arrays/99999.npy": extra})))


def npy(header: str, data: bytes = b"", version=b"\x01\x00") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "array",
    [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 1000)}", bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999)}"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04K\x01."),
        npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", bytes(8)),
        npy("{'descr': '|V0', 'fortran_order': False, 'shape': (2,)}"),
        npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", b"\xff\xff\xff\x7f"),
        npy("__import__('os').system('touch evil')"),
        npy("(" * 3000),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}" + " " * 9000, bytes(8)),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", bytes(8), b"\x09\x00"),
        b"",
        b"\x80\x04K\x01.",
    ],
    ids=lambda array: repr(array[10:60]),
)
def test_arrays_that_are_none(saved, load_bytes, array):
    with pytest.raises(FileFormatError, match=r"arrays/0\.npy"):
        load_bytes(forged(saved[0], lambda members, _: members.update({"arrays/0.npy": array})))


def fitted_part(state) -> dict:
    """Return what fit left on the estimator, as {name: node}."""
    return {pair[0]: pair for pair in state["state"]["fitted"]["dict"]}


def change_class(state):
    return state | {"object": "os.system"}


def change_inner_class(state):
    fitted_part(state)[HEAD][1]["object"] = "Popen"
    return state


def hide_method(state):
    state["state"]["fitted"]["dict"].append(["transform", 1])
    return state


def replace_networks(state):
    fitted_part(state)[MODEL_SETS][1] = [["no network"]]
    return state


def unknown_parameter(state):
    state["state"]["parameters"]["dict"].append(["n_layers", 1])
    return state


def many_filters(state):
    network = fitted_part(state)[MODEL_SETS][1][0][0]["state"]
    network["settings"]["state"]["n_filters"] = 10**9
    return state


def many_blocks(state):
    network = fitted_part(state)[MODEL_SETS][1][0][0]["state"]
    network["settings"]["state"]["n_blocks"] = 10**12
    return state


def other_target(state):
    fitted_part(state)[HEAD][1]["state"]["kind"] = "multiclass"
    return state


def no_models(state):
    fitted_part(state)[MODEL_SETS][1][0][0]["state"]["models"] = []
    return state


def nested(state):
    for _ in range(150):
        state = {"tuple": [state]}
    return {"object": "TextCNNEncoder", "state": {"parameters": state}}


def names(state, value):
    fitted_part(state)["n_features_in_"][1] = value
    return state


CHANGES = [
    change_class,
    change_inner_class,
    hide_method,
    replace_networks,
    unknown_parameter,
    many_filters,
    many_blocks,
    other_target,
    no_models,
    nested,
    lambda state: [],
    lambda state: {"array": 0},
    lambda state: {"object": "Pipeline", "state": {}},
    lambda state: {"object": "TextCNNEncoder", "state": {}},
    lambda state: {"object": "TextCNNEncoder"},
    lambda state: {"object": ["TextCNNEncoder"], "state": state["state"]},
    lambda state: names(state, "1"),
    lambda state: names(state, 7),
    lambda state: names(state, 0),
    lambda state: names(state, {"array": -1}),
    lambda state: names(state, {"array": 10**9}),
    lambda state: names(state, {"array": "../0"}),
    lambda state: names(state, {"decode": 1}),
    lambda state: names(state, {"nested": 1}),
    lambda state: names(state, {}),
    lambda state: names(state, {"float": "1e5"}),
    lambda state: names(state, {"callable": "os.system"}),
    lambda state: names(state, {"cells": [1], "shape": [10**18, 10**18]}),
    lambda state: names(state, {"strings": [0, 0]}),
    lambda state: names(state, {"int8": [0, 1]}),
]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
def test_a_state_that_was_tampered_with(saved, load_bytes, change):
    with pytest.raises(FileFormatError):
        load_bytes(forged_state(saved[0], change))


@pytest.fixture(scope="module")
def saved_table(tmp_path_factory):
    X, y = signal_table(40, seed=0)
    features = TableFeatures(["linear", "svd"], cv=2, random_state=0).fit(X.assign(price=1), y)
    path = tmp_path_factory.mktemp("saved") / "table.textcnn"
    features.save(path)
    return path.read_bytes()


def member_of(state) -> dict:
    """Return the parts of the member "svd"."""
    nodes = fitted_part(state)[MEMBERS][1]
    return next(node["state"] for node in nodes if node["state"]["member"] == "svd")


def outside_column(state):
    fitted_part(state)[TEXT_NUMBERS][1] = [7]
    return state


def fewer_members(state):
    fitted_part(state)[MEMBERS][1].pop()
    return state


def other_column(state):
    member_of(state)["column"] = "price"
    return state


def no_encoder(state):
    member_of(state)["encoder"] = 1
    return state


def unfitted_encoder(state):
    state["state"]["fitted"]["dict"] = []
    return state


def vectorizer_of(state) -> dict:
    return member_of(state)["encoder"]["state"]["vectorizer_"]["state"]


def numbers_beyond(state):
    words = [[f"w{i}", i + 10**6] for i in range(3)]
    vectorizer_of(state)["vocabulary_"] = {"dict": words}
    return state


def words_twice(state):
    (words, number) = vectorizer_of(state)["vocabulary_"]["numbered"]
    vectorizer_of(state)["vocabulary_"]["numbered"] = [["a"] * 3, number]
    return state


def another_type(state):
    vectorizer_of(state)["dtype"] = {"numpy_type": "load"}
    return state


def no_model(state):
    nodes = fitted_part(state)[MEMBERS][1]
    linear = next(node["state"] for node in nodes if node["state"]["member"] == "linear")
    models = fitted_part(linear["encoder"])[MODEL_SETS][1][0][0]
    fitted = models["state"]["models"][0]["state"]["model"]
    fitted["state"]["estimator"]["state"]["steps"][-1]["tuple"][1] = {"tuple": []}
    return state


def hidden_transform(state):
    member_of(state)["encoder"]["state"]["transform"] = 1
    return state


@pytest.mark.parametrize(
    "change",
    [
        outside_column,
        fewer_members,
        other_column,
        no_encoder,
        unfitted_encoder,
        numbers_beyond,
        words_twice,
        another_type,
        no_model,
        hidden_transform,
    ],
    ids=lambda change: change.__name__,
)
def test_a_table_stage_that_was_tampered_with(saved_table, load_bytes, change):
    assert type(load_bytes(saved_table)).__name__ == "TableFeatures"
    with pytest.raises(FileFormatError):
        load_bytes(forged_state(saved_table, change))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "array",
                    "tuple",
                    "dict",
                    "object",
                    "state",
                    "strings",
                    "cells",
                    "shape",
                    "int8",
                    "path",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), json_values, st.data())
def test_any_bytes_and_any_state_give_the_documented_error(
    saved, tmp_path_factory, raw, node, data
):
    folder = tmp_path_factory.mktemp("any")
    state = json.loads(members_of(saved[0])["state.json"])
    pair = data.draw(st.sampled_from(state["state"]["fitted"]["dict"]))
    before = json.dumps(pair[1])
    pair[1] = node
    changed = forged_state(saved[0], lambda _: state)
    for name, content in (("raw", raw), ("state", changed)):
        path = folder / name
        path.write_bytes(content)
        try:
            loaded = textcnn.load(path)
        except FileFormatError:
            continue
        # Only parts that are of that very type pass, and what was there before.
        is_same = json.dumps(node) == before
        assert name == "state" and (is_same or pair[0] in MAY_BE_ANYTHING), (before, loaded)


@pytest.fixture(scope="module")
def saved_linear(tmp_path_factory):
    X, y = signal_table(40, seed=0)
    path = tmp_path_factory.mktemp("saved") / "linear.textcnn"
    TextLinearEncoder(cv=2, random_state=0).fit(X, y).save(path)
    return path.read_bytes()


def objects_in(node, name):
    """Yield the states of all objects of a name."""
    if isinstance(node, dict) and node.get("object") == name:
        yield node["state"]
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from objects_in(child, name)


@pytest.mark.parametrize(
    ("name", "part", "value"),
    [
        ("NgramCounter", "tokenizer", 3),
        ("NgramCounter", "tokenizer", "tokens"),
        ("NgramCounter", "word_sizes", {"tuple": [1]}),
        ("NgramCounter", "char_sizes", {"tuple": [2, 10**30]}),
        ("NgramCounter", "words", None),
        ("FoldTfidf", "n_words", "words"),
        ("FoldTfidf", "idf_", None),
        ("CentredLogisticRegression", "classes_", []),
        ("CentredLogisticRegression", SOFTMAX, []),
        ("CentredLogisticRegression", "coef_", None),
        ("Pipeline", "steps", [{"tuple": [{"array": 0}, {"array": 1}]}] * 2),
        ("Pipeline", "steps", [{"tuple": ["tfidf", {"tuple": []}]}, {"tuple": ["linear", None]}]),
        ("FittedEstimator", "method", "fit"),
        ("TextLinearEncoder", "feature_names_in_", {"cells": [[0]], "shape": [1]}),
        ("TextLinearEncoder", ROW_HASHES, None),
        ("TextLinearEncoder", MODEL_SETS, []),
    ],
)
def test_linear_models_that_do_not_fit_are_refused(saved_linear, load_bytes, name, part, value):
    load_bytes(saved_linear)

    def change(state):
        if name == "TextLinearEncoder":
            fitted_part(state)[part][1] = value
            return state
        found = list(objects_in(state, name))
        assert found and all(part in holder for holder in found)
        for holder in found:
            holder[part] = value
        return state

    with pytest.raises(FileFormatError):
        load_bytes(forged_state(saved_linear, change))
