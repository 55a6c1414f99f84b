"""Export all networks of an estimator as one ONNX graph, using Keras' export."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

from textcnn.neural.backend import shape_policy
from textcnn.neural.network import borrow_network
from textcnn.persistence.quantized import quantize
from textcnn.serving.onnx_runs import SAVED_FILE, input_name, output_name
from textcnn.text.vocabulary import UNKNOWN


def import_onnx():
    """Import onnx and tf2onnx, or raise an error that says how to install them."""
    try:
        import onnx
        import tf2onnx  # noqa: F401 - Keras imports it where it is needed
    except ImportError as error:
        raise ImportError(
            f"Exporting needs onnx and tf2onnx: {error}. Type `pip install 'textcnn[onnx]'`."
        ) from error
    return onnx


def merged_model(networks, *, vectors: str = "float32"):
    """Return one ONNX model with all networks.

    Parameters
    ----------
    networks : list of list of TextNetwork
        The networks of a fitted estimator.
    vectors : {"float32", "int8"}, default="float32"
        Format of word vectors.

    Returns
    -------
    onnx.ModelProto
    """
    onnx = import_onnx()
    graph = _MergedGraph(onnx, small=vectors == "int8")
    for column, sets in enumerate(networks):
        for place, network in enumerate(sets):
            for number, exported in enumerate(_exported(onnx, network)):
                graph.add(exported, network, (column, place), number)
    return graph.model()


def model_bytes(model, saved_sha256: str) -> bytes:
    """Return the content of an ONNX file, including the hash of its saved file."""
    import_onnx().helper.set_model_props(model, {SAVED_FILE: saved_sha256})
    return model.SerializeToString()


def _exported(onnx, network):
    """Yield each model of a network as a separate ONNX model."""
    documents = [reader.read([""]) for reader in network.readers]
    with (
        borrow_network(network.blueprint) as traced,
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(),
    ):
        # Keras uses a deprecated name of NumPy.
        warnings.simplefilter("ignore", FutureWarning)
        source = network.source(documents)
        traced.load_tables(source.tables())
        for number, fold in enumerate(network.models):
            traced.load_weights(fold.model.weights)
            path = Path(folder) / f"{number}.onnx"
            one_row = source.gather(np.array([0]), fold.model.view, shape_policy())
            traced.export_onnx(os.fspath(path), one_row)
            yield onnx.load(path)


def _rename(node, renamed: dict[str, str], prefix: str) -> None:
    """Rename the inputs and outputs of a node, also in the body of a loop or a condition.

    A body reads names of the graph around it, so all names get the same prefix.
    """
    for names in (node.input, node.output):
        for place, name in enumerate(names):
            names[place] = renamed.setdefault(name, f"{prefix}{name}")
    node.name = f"{prefix}{node.name}"
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            for named in (*body.input, *body.initializer, *body.output, *body.value_info):
                named.name = renamed.setdefault(named.name, f"{prefix}{named.name}")
            for inner in body.node:
                _rename(inner, renamed, prefix)


class _MergedGraph:
    """Merges graphs: common inputs, and each distinct array once."""

    def __init__(self, onnx, *, small: bool):
        self._onnx, self._small = onnx, small
        self._nodes, self._inputs, self._outputs = [], {}, []
        self._arrays, self._opsets, self._ir_version = {}, {}, 0

    def add(self, exported, network, key: tuple[int, int], number: int) -> None:
        """Add one model; its inputs are computed from the ids of the vocabulary."""
        prefix = f"model_{key[0]}_{key[1]}_{number}/"
        view = network.models[number].model.view
        renamed, tables = {"": ""}, {}
        looked_up = {node.input[0] for node in exported.graph.node if node.op_type == "Gather"}
        for array in exported.graph.initializer:
            name = array.name
            is_table = name in looked_up and len(array.dims) == 2
            if self._small and is_table and array.data_type == self._onnx.TensorProto.FLOAT:
                tables[name] = self._onnx.numpy_helper.to_array(array)
            else:
                renamed[name] = self._array_name(array)
        for given in exported.graph.input:
            kind, _, column = given.name.rpartition("_ids_")
            renamed[given.name] = f"{prefix}{given.name}"
            self._add_input(kind, int(column), network, view, key, renamed[given.name])
        for node in exported.graph.node:
            if node.op_type == "Gather" and node.input[0] in tables:
                rows = renamed.setdefault(node.input[1], f"{prefix}{node.input[1]}")
                renamed[node.output[0]] = f"{prefix}{node.output[0]}"
                self._look_up(tables[node.input[0]], rows, renamed[node.output[0]])
                continue
            _rename(node, renamed, prefix)
            self._nodes.append(node)
        (raw,) = exported.graph.output
        self._add_node("Identity", [renamed[raw.name]], output_name(key, number))
        self._outputs.append(
            self._onnx.helper.make_tensor_value_info(
                output_name(key, number), self._onnx.TensorProto.FLOAT, (None, network.n_outputs)
            )
        )
        for opset in exported.opset_import:
            self._opsets[opset.domain] = max(self._opsets.get(opset.domain, 0), opset.version)
        self._ir_version = max(self._ir_version, exported.ir_version)

    def model(self):
        """Return the merged model, checked."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes,
            "textcnn",
            list(self._inputs.values()),
            self._outputs,
            list(self._arrays.values()),
        )
        opsets = [helper.make_opsetid(*opset) for opset in self._opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="textcnn")
        model.ir_version = self._ir_version
        self._onnx.checker.check_model(model)
        return model

    def _add_input(self, kind, column, network, view, key, name) -> None:
        """Compute a model's ids from those of the vocabulary."""
        known = view[f"known_{column}"]
        learned = self._input("learned", key, column)
        if kind == "learned":
            ids = np.where(known, np.arange(len(known)), UNKNOWN).astype(np.int32)
            ids[0] = 0
            self._add_node("Gather", [self._array(ids), learned], name)
            return
        given = self._input("given", key, column)
        vocabulary = network.readers[column].vocabulary
        has_own = known.copy()
        has_own[UNKNOWN] = False
        random = self._array(np.asarray(vocabulary.given_is_random, bool))
        self._add_node("Gather", [random, given], f"{name}/random")
        self._add_node("Gather", [self._array(~has_own), learned], f"{name}/new")
        self._add_node("And", [f"{name}/random", f"{name}/new"], f"{name}/unknown")
        unknown = self._array(np.array(UNKNOWN, np.int32))
        self._add_node("Where", [f"{name}/unknown", unknown, given], name)

    def _look_up(self, table: np.ndarray, rows: str, output: str) -> None:
        """Look up rows of an int8 table and convert them to float32."""
        small = quantize(table)
        self._add_node("Gather", [self._array(small.codes), rows], f"{output}/codes")
        self._add_node("Gather", [self._array(small.scales[:, None]), rows], f"{output}/scales")
        to_float = self._onnx.TensorProto.FLOAT
        self._add_node("Cast", [f"{output}/codes"], f"{output}/numbers", to=to_float)
        self._add_node("Mul", [f"{output}/numbers", f"{output}/scales"], output)

    def _input(self, kind: str, key, column: int) -> str:
        name = input_name(kind, key, column)
        self._inputs[name] = self._onnx.helper.make_tensor_value_info(
            name, self._onnx.TensorProto.INT32, (None, None)
        )
        return name

    def _add_node(self, operation: str, inputs: list[str], output: str, **settings) -> None:
        make = self._onnx.helper.make_node
        self._nodes.append(make(operation, inputs, [output], name=output, **settings))

    def _array(self, array: np.ndarray) -> str:
        return self._array_name(self._onnx.numpy_helper.from_array(array))

    def _array_name(self, array) -> str:
        """Add an array unless an equal one exists; return its name in the merged graph."""
        array.name = ""
        name = f"array_{hashlib.sha256(array.SerializeToString()).hexdigest()[:24]}"
        if name not in self._arrays:
            array.name = name
            self._arrays[name] = array
        return name
