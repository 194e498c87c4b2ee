"""Makes tests/data/state/sum.tflite: an RNN whose state is the sum of all that it was given.

python tests/data/make_state.py    (needs ai-edge-litert 2.3.0, flatbuffers, numpy)
"""
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

FILE = pathlib.Path(__file__).parent / 'state' / 'sum.tflite'


def main():
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.buffers, graph.tensors = [schema.BufferT()], []

    def tensor(name, shape, values=None):
        made = schema.TensorT()
        made.name, made.type, made.shape, made.buffer = name, schema.TensorType.FLOAT32, shape, 0
        if values is not None:
            made.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = list(np.float32(values).tobytes())
        graph.tensors.append(made)

    # y = 1 * x + 1 * state + 0; the state is y.
    tensor('x', [1, 1])
    tensor('weights', [1, 1], [1])
    tensor('recurrent weights', [1, 1], [1])
    tensor('bias', [1], [0])
    tensor('state', [1, 1])
    graph.tensors[-1].isVariable = True
    tensor('y', [1, 1])

    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode = code.builtinCode = schema.BuiltinOperator.RNN
    code.version = 1
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = 0, [0, 1, 2, 3, 4], [5]
    op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.RNNOptions, schema.RNNOptionsT()
    graph.inputs, graph.outputs, graph.operators = [0], [5], [op]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b'TFL3')
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(bytes(builder.Output()))


if __name__ == '__main__':
    main()
