"""Makes tests/data/operators/corners.pack.gz: operators where the real runtime's default kernel
does what its definition does not say, with that runtime's outputs.

python tests/data/make_operators.py    (needs ai-edge-litert 2.3.0, flatbuffers, numpy)

A pack is the gzip of: `ZOPACK1\\n`, u32 length of the JSON (little-endian), JSON {cases}, then a
blob with all models and tensors; `model` and `at` are [offset, length] in the blob.
"""
import gzip
import json
import pathlib
import struct

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

FILE = pathlib.Path(__file__).parent / 'operators' / 'corners.pack.gz'

TYPES = {
    np.float32: schema.TensorType.FLOAT32, np.float16: schema.TensorType.FLOAT16,
    np.int8: schema.TensorType.INT8, np.uint8: schema.TensorType.UINT8,
    np.int16: schema.TensorType.INT16, np.int32: schema.TensorType.INT32,
}


class Tensor:
    """A tensor: its values (a constant's, or a sample of an input), or the type of an output."""

    def __init__(self, values=None, dtype=None, shape=None, scale=None, zero=0):
        self.values = values
        self.dtype = dtype or values.dtype.type
        self.shape = list(values.shape) if values is not None else shape or []
        self.scale, self.zero = scale, zero


def model_of(operator, version, options, inputs, output):
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.buffers, graph.tensors = [schema.BufferT()], []
    for index, (tensor, is_constant) in enumerate(inputs + [(output, False)]):
        made = schema.TensorT()
        made.name, made.type = f't{index}', TYPES[tensor.dtype]
        made.shape, made.buffer = tensor.shape, 0
        if tensor.scale is not None:
            made.quantization = schema.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [tensor.scale], [tensor.zero]
        if is_constant:
            made.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = list(tensor.values.tobytes())
        graph.tensors.append(made)
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = 0, list(range(len(inputs))), [len(inputs)]
    if options is not None:
        op.builtinOptions = options
        op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
    graph.inputs = [i for i, (_, is_constant) in enumerate(inputs) if not is_constant]
    graph.outputs, graph.operators = [len(inputs)], [op]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b'TFL3')
    return bytes(builder.Output())


def set_options(made, **members):
    for name, value in members.items():
        setattr(made, name, value)
    return made


def all_of(dtype):
    info = np.iinfo(dtype)
    return np.arange(info.min, info.max + 1).astype(dtype)


def cases():
    """(name, operator, version, options, inputs as (Tensor, is constant), output)"""
    random = np.random.default_rng(20261123)
    halves = np.arange(0, 65536, 11, dtype=np.uint16).view(np.float16)
    halves = halves[np.abs(halves) < 8].reshape(1, -1)
    for approximate in (False, True):
        yield (f'gelu_float16_{"tanh" if approximate else "erf"}', 'GELU', 2,
               set_options(schema.GeluOptionsT(), approximate=approximate),
               [(Tensor(halves), False)], Tensor(dtype=np.float16, shape=list(halves.shape)))
    # 16 bytes at a time round halves up, the rest away from zero.
    for source in (np.int8, np.uint8):
        for target in (np.int8, np.uint8):
            tail = np.arange(-7, 8) + (0 if source is np.int8 else 128)
            values = np.concatenate([all_of(source), tail.astype(source)]).reshape(1, -1)
            yield (f'quantize_{source.__name__}_{target.__name__}', 'QUANTIZE', 2,
                   schema.QuantizeOptionsT(),
                   [(Tensor(values, scale=0.05, zero=0 if source is np.int8 else 128), False)],
                   Tensor(dtype=target, shape=list(values.shape), scale=0.1015,
                          zero=3 if target is np.int8 else 131))
    # Scales that leave 3 or 4 bits before the point.
    words = all_of(np.int16)[::37].reshape(1, -1)
    for operator, scale in (('LOGISTIC', 2.0**-12), ('TANH', 2.0**-12), ('TANH', 2.0**-11)):
        yield (f'{operator.lower()}_int16_{scale:.6f}', operator, 3, None,
               [(Tensor(words, scale=scale), False)],
               Tensor(dtype=np.int16, shape=list(words.shape), scale=2.0**-15))
    # Quotients that are 0 or too small for the output.
    divisors = np.concatenate([np.arange(0, 120), np.arange(121, 256)]).astype(np.uint8)
    for zero_of_a in (0, 77):
        a = np.where(np.arange(255) % 3 == 0, zero_of_a, np.arange(255)).astype(np.uint8)
        yield (f'div_of_{zero_of_a}', 'DIV', 2, schema.DivOptionsT(),
               [(Tensor(a.reshape(1, -1), scale=0.009, zero=zero_of_a), False),
                (Tensor(divisors.reshape(1, -1), scale=0.016, zero=120), False)],
               Tensor(dtype=np.uint8, shape=[1, 255], scale=0.13, zero=103))
    # Padding is the zero point of the output.
    yield ('pad_zero_point', 'PAD', 2, schema.PadOptionsT(),
           [(Tensor(np.int8([[1, -2, 3]]), scale=0.05, zero=-128), False),
            (Tensor(np.int32([[1, 0], [2, 1]])), True)],
           Tensor(dtype=np.int8, shape=[2, 6], scale=0.04, zero=-6))
    image = random.normal(size=(1, 5, 4, 3)).astype(np.float32)
    yield ('resize_nearest_both', 'RESIZE_NEAREST_NEIGHBOR', 3,
           set_options(schema.ResizeNearestNeighborOptionsT(), alignCorners=True,
                       halfPixelCenters=True),
           [(Tensor(image), False), (Tensor(np.int32([7, 9])), True)],
           Tensor(dtype=np.float32, shape=[1, 7, 9, 3]))
    # Filters that reach too far by less than two strides.
    for size, shape in ((4, [1, 0, 2, 3]), (3, [1, 0, 2, 3])):
        yield (f'pool_nothing_{size}', 'MAX_POOL_2D', 1,
               set_options(schema.Pool2DOptionsT(), padding=1, strideH=3, strideW=2, filterHeight=6,
                           filterWidth=2),
               [(Tensor(random.normal(size=(1, size, 4, 3)).astype(np.float32)), False)],
               Tensor(dtype=np.float32, shape=shape))
    yield ('conv_nothing', 'CONV_2D', 1,
           set_options(schema.Conv2DOptionsT(), padding=1, strideH=1, strideW=1,
                       dilationHFactor=1, dilationWFactor=1),
           [(Tensor(random.normal(size=(1, 5, 1, 2)).astype(np.float32)), False),
            (Tensor(random.normal(size=(4, 3, 2, 2)).astype(np.float32)), True),
            (Tensor(np.zeros(4, np.float32)), True)],
           Tensor(dtype=np.float32, shape=[1, 3, 0, 4]))
    yield ('fake_quant_without_zero', 'FAKE_QUANT', 1,
           set_options(schema.FakeQuantOptionsT(), min=0.5, max=2.0, numBits=8),
           [(Tensor(np.linspace(-1, 3, 41, dtype=np.float32).reshape(1, -1)), False)],
           Tensor(dtype=np.float32, shape=[1, 41]))
    nan = np.float32('nan')
    rows = np.float32([[1, nan, -2, 0.5], [nan, 3, 1, 2], [4, 5, 6, nan], [nan] * 4])
    for operator in ('REDUCE_MAX', 'REDUCE_MIN'):
        yield (f'{operator.lower()}_nan', operator, 1,
               set_options(schema.ReducerOptionsT(), keepDims=False),
               [(Tensor(rows), False), (Tensor(np.int32([1])), True)],
               Tensor(dtype=np.float32, shape=[4]))
    infinite = np.float32([[-np.inf, -np.inf], [np.inf, np.inf]])
    for operator in ('REDUCE_MAX', 'REDUCE_MIN'):
        yield (f'{operator.lower()}_infinite', operator, 1,
               set_options(schema.ReducerOptionsT(), keepDims=False),
               [(Tensor(infinite), False), (Tensor(np.int32([1])), True)],
               Tensor(dtype=np.float32, shape=[2]))
    # No numbers, and those too large for what they become.
    odd = np.float32([[nan, np.inf, -np.inf, 3e38, -3e38, 3e9, -3e9, 2147483520, 1, nan, np.inf]])
    for target in (np.int8, np.uint8, np.int16, np.int32):
        yield (f'cast_{target.__name__}_odd', 'CAST', 1, schema.CastOptionsT(),
               [(Tensor(odd), False)], Tensor(dtype=target, shape=[1, 11]))
    for zero in (-7, 7):
        yield (f'quantize_odd_{zero}', 'QUANTIZE', 1, schema.QuantizeOptionsT(),
               [(Tensor(odd), False)], Tensor(dtype=np.int8, shape=[1, 11], scale=0.5, zero=zero))
    yield ('fake_quant_odd', 'FAKE_QUANT', 1,
           set_options(schema.FakeQuantOptionsT(), min=-1.0, max=2.0, numBits=8),
           [(Tensor(odd), False)], Tensor(dtype=np.float32, shape=[1, 11]))
    yield ('hard_swish_largest', 'HARD_SWISH', 1, None,
           [(Tensor(np.float32([[3.4e38, -3.4e38, 1e30, -2]])), False)],
           Tensor(dtype=np.float32, shape=[1, 4]))
    # int8 weights count as symmetric.
    pixels = random.integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
    yield ('depthwise_weights_zero_point', 'DEPTHWISE_CONV_2D', 3,
           set_options(schema.DepthwiseConv2DOptionsT(), padding=0, strideH=1, strideW=1,
                       depthMultiplier=1, dilationHFactor=1, dilationWFactor=1),
           [(Tensor(pixels, scale=0.05, zero=4), False),
            (Tensor(random.integers(-127, 128, (1, 3, 3, 2)).astype(np.int8), scale=0.01,
                    zero=45), True),
            (Tensor(np.int32([300, -200]), scale=0.0005), True)],
           Tensor(dtype=np.int8, shape=[1, 4, 4, 2], scale=0.1, zero=-9))


def main():
    blob, made = bytearray(), []

    def put(data):
        blob.extend(bytes(-len(blob) % 8))
        blob.extend(data)
        return [len(blob) - len(data), len(data)]

    def tensor(values):
        return {'dtype': values.dtype.name, 'shape': list(values.shape),
                'at': put(np.ascontiguousarray(values).tobytes())}

    for name, operator, version, options, inputs, output in cases():
        model = model_of(operator, version, options, inputs, output)
        runtime = Interpreter(
            model_content=model, num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        runtime.allocate_tensors()
        given = [t.values for t, is_constant in inputs if not is_constant]
        for detail, values in zip(runtime.get_input_details(), given):
            runtime.set_tensor(detail['index'], values)
        runtime.invoke()
        result = runtime.get_tensor(runtime.get_output_details()[0]['index'])
        made.append({
            'id': f'{operator}.{name}', 'operator': operator, 'kind': 'ok', 'model': put(model),
            'steps': [{'inputs': [tensor(v) for v in given], 'outputs': [tensor(result)]}],
            # Sums and float32 functions may differ in their last places.
            'tolerance': [{'abs': 1e-6, 'rel': 1e-6} if output.dtype is np.float32
                          else {'abs': 0, 'rel': 0}],
        })
    index = json.dumps({'cases': made}).encode()
    index += b' ' * (-(12 + len(index)) % 8)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(gzip.compress(
        b'ZOPACK1\n' + struct.pack('<I', len(index)) + index + bytes(blob), mtime=0))


if __name__ == '__main__':
    main()
