"""onnxruntime, on a graph of Gemm and Relu."""

import os

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from peers.base import ServingPeer

THREADS = ("one thread", "all threads")


class Predicting(ServingPeer):
    settings = THREADS

    def prepare(self) -> None:
        nodes, constants, name = [], [], "x"
        for number, (W, b) in enumerate(self.layers, 1):
            constants += [numpy_helper.from_array(W, f"W{number}")]
            constants += [numpy_helper.from_array(b[0], f"b{number}")]
            nodes += [helper.make_node("Gemm", [name, f"W{number}", f"b{number}"], [f"z{number}"])]
            nodes += [helper.make_node("Relu", [f"z{number}"], [f"a{number}"])]
            name = f"a{number}"
        nodes.pop()
        sizes, float32 = self.task.sizes, TensorProto.FLOAT
        wanted = helper.make_tensor_value_info(f"z{number}", float32, ["rows", sizes[-1]])
        given = helper.make_tensor_value_info("x", float32, ["rows", sizes[0]])
        graph = helper.make_graph(nodes, "network", [given], [wanted], constants)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        self.model = model.SerializeToString()
        if self.task.rows > 1:
            chunked = tuple(f"{each}, 4,096 rows at a time" for each in THREADS)
            self.settings = (*THREADS, *chunked)
        else:
            self.settings = (*THREADS, "one thread, arrays bound")

    def use(self, setting: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1 if setting.startswith("one") else os.cpu_count() or 1
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            self.model, options, providers=["CPUExecutionProvider"]
        )
        X, run = self.X, session.run
        if "bound" in setting:
            self.call = _bound(session, X)
        elif "at a time" in setting:
            self.call = lambda: _in_parts(run, X)
        else:
            self.call = lambda: run(None, {"x": X})[0]


def _bound(session, X):
    """Let a session read and write two arrays of ours; what comes and goes is copied."""
    binding, row, result = session.io_binding(), np.empty_like(X), np.empty((1, 1), np.float32)
    (output,) = session.get_outputs()
    binding.bind_input("x", "cpu", 0, np.float32, row.shape, row.ctypes.data)
    binding.bind_output(output.name, "cpu", 0, np.float32, result.shape, result.ctypes.data)

    def call():
        row[...] = X
        session.run_with_iobinding(binding)
        return result.copy()

    return call


def _in_parts(run, X):
    result = np.empty((len(X), 1), np.float32)
    for start in range(0, len(X), 4096):
        result[start : start + 4096] = run(None, {"x": X[start : start + 4096]})[0]
    return result
