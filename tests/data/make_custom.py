"""Makes tests/data/custom/: small .tflite files with custom operators.

python tests/data/make_custom.py    (needs ai-edge-litert 2.3.0, flatbuffers, numpy)
"""
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

FOLDER = pathlib.Path(__file__).parent / 'custom'


def tensor(name, kind, shape, signature=None):
    made = schema.TensorT()
    made.name, made.type, made.shape, made.buffer = name, kind, shape, 0
    if signature is not None:
        made.shapeSignature = signature
    return made


def save(name, operator, options, inputs, outputs):
    """One custom operator between the model's inputs and a NEG behind its first output."""
    code = schema.OperatorCodeT()
    code.deprecatedBuiltinCode, code.builtinCode = 32, schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = operator, 1
    op = schema.OperatorT()
    op.opcodeIndex = 0
    op.inputs, op.outputs = list(range(len(inputs))), list(range(len(inputs), len(inputs) + len(outputs)))
    op.customOptions = list(options)
    graph = schema.SubGraphT()
    graph.tensors = inputs + outputs
    graph.inputs, graph.outputs = op.inputs, op.outputs
    graph.operators = [op]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b'TFL3')
    (FOLDER / f'{name}.tflite').write_bytes(bytes(builder.Output()))


def main():
    FOLDER.mkdir(exist_ok=True)
    kind = schema.TensorType
    flexible = flexbuffers.Builder()
    flexible.MapFromElements({'factor': 2.5, 'name': 'scale', 'offsets': [1, -2]})
    save('scale', 'Scale', flexible.Finish(), [tensor('x', kind.FLOAT32, [1, 3], [-1, 3])],
         [tensor('y', kind.FLOAT32, [1, 3], [-1, 3])])
    # Plain bytes as options; two outputs, one of them of strings, whose count is in the data.
    save('count', 'Count', np.int32([7]).tobytes(), [tensor('n', kind.INT32, [1])],
         [tensor('words', kind.STRING, [1], [-1]), tensor('total', kind.INT64, [])])
    # What can't pass between the model and its user.
    save('handle', 'Open', b'', [tensor('table', kind.RESOURCE, [1])], [tensor('y', kind.FLOAT32, [1])])


if __name__ == '__main__':
    main()
