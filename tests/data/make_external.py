"""Makes tests/data/external/: a .tflite whose weights lie in files beside it.

python tests/data/make_external.py    (needs ai-edge-litert 2.3.0, flatbuffers, numpy)
"""
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

FOLDER = pathlib.Path(__file__).parent / 'external'
FIRST_ID = 0x80000000  # As converters number external buffers.


def tensor(name, shape, buffer=0, external=0):
    made = schema.TensorT()
    made.name, made.type, made.shape, made.buffer = name, schema.TensorType.FLOAT32, shape, buffer
    made.externalBuffer = external
    return made


def slice_of(index, group, offset, length, packing):
    made = schema.ExternalBufferT()
    made.id, made.group, made.offset, made.length = FIRST_ID + index, group, offset, length
    made.packing = packing
    return made


def group(name):
    made = schema.ExternalBufferGroupT()
    made.name = name
    return made


def operator(code, inputs, outputs, options_type=0, options=None):
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = code, inputs, outputs
    made.builtinOptionsType, made.builtinOptions = options_type, options
    return made


def code(builtin):
    made = schema.OperatorCodeT()
    made.deprecatedBuiltinCode = made.builtinCode = builtin
    made.version = 1
    return made


def main():
    """y = (x . filter + bias) * factors, for x [1,2]: the filter in one file, bias and factors in another."""
    FOLDER.mkdir(exist_ok=True)
    filter_values = np.float32([[1, 2], [3, 4], [5, 6]])
    bias, factors = np.float32([0.5, -1, 2]), np.float32([2, 10, -1])
    # The filter begins aligned; the factors, after a bias of 12 bytes and one byte more, do not.
    (FOLDER / 'filter.bin').write_bytes(bytes(64) + filter_values.tobytes())
    (FOLDER / 'small parts.bin').write_bytes(bias.tobytes() + b'\0' + factors.tobytes() + bytes(3))
    builtin, options = schema.BuiltinOperator, schema.BuiltinOptions
    graph = schema.SubGraphT()
    graph.tensors = [tensor('x', [1, 2]), tensor('filter', [3, 2], 0, FIRST_ID), tensor('bias', [3], 0, FIRST_ID + 1),
                     tensor('product', [1, 3]), tensor('factors', [3], 0, FIRST_ID + 2), tensor('y', [1, 3])]
    graph.inputs, graph.outputs = [0], [5]
    graph.operators = [
        operator(0, [0, 1, 2], [3], options.FullyConnectedOptions, schema.FullyConnectedOptionsT()),
        operator(1, [3, 4], [5], options.MulOptions, schema.MulOptionsT())]
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    model.operatorCodes = [code(builtin.FULLY_CONNECTED), code(builtin.MUL)]
    # The first group is free, as some writers leave it; the last slice is longer than its tensor.
    model.externalBufferGroups = [group(''), group('filter.bin'), group('small parts.bin')]
    model.externalBuffers = [slice_of(0, 1, 64, 24, 'unpacked'), slice_of(1, 2, 0, 12, ''), slice_of(2, 2, 13, 15, None)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b'TFL3')
    (FOLDER / 'model.tflite').write_bytes(bytes(builder.Output()))


if __name__ == '__main__':
    main()
