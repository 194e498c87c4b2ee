#!/usr/bin/env python3
"""Makes the small models of tests/data/models with the real frameworks, and their goldens.

    python3 -m venv venv
    venv/bin/pip install tensorflow==2.21.0 keras==3.15.1 tf-keras==2.21.0 ai-edge-litert==2.3.0 h5py==3.14.0
    venv/bin/python tests/data/make_models.py [CASE ...]      without names: all, and index.json

A case is a saved model, inputs, the source framework's own outputs for them, and
the file that TensorFlow's converter makes of it. README.md describes the layout.
The models themselves stand in model_cases.py.
"""
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.python import schema_py_generated as schema

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from model_cases import CASES  # noqa: E402

BATCHES = (1, 3)


def bfloat16(x):
    """The nearest value with 8 significant bits: weights whose files compress."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return (((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) << 16).astype(np.uint32).view(np.float32)


def fill_weights(model, rng, zeros):
    """Random weights; statistics of normalisations are what such layers really hold."""
    for layer in model._flatten_layers() if hasattr(model, "_flatten_layers") else flat_layers(model):
        weights = layer.weights if not hasattr(layer, "layers") else []
        if type(layer).__name__ == "Normalization":
            continue
        for w in weights:
            name, shape = w.name.split("/")[-1].split(":")[0], tuple(w.shape)
            if name in ("moving_variance", "gamma"):
                value = rng.uniform(0.4, 1.6, shape)
            elif name in ("moving_mean", "beta", "bias"):
                value = rng.normal(0, 0.3, shape)
            elif name == "alpha":
                value = rng.uniform(0.05, 0.4, shape)
            elif name in ("iteration", "learning_rate", "count", "seed_generator_state"):
                continue
            else:
                fan_in = max(1, int(np.prod(shape[:-1])))
                value = rng.normal(0, 1.2 / np.sqrt(fan_in * (1 - zeros)), shape)
                if "depthwise" in name:
                    value *= 2
                value[rng.random(shape) < zeros] = 0
            w.assign(bfloat16(value).reshape(shape))


def flat_layers(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from flat_layers(layer)


def save(model, kind, folder):
    """Writes the model in a format of the case; gives the names of the files."""
    if kind in ("keras2-h5", "keras3-h5"):
        model.save(os.path.join(folder, "model.h5"))
        return ["model.h5"]
    if kind in ("keras2-keras", "keras3-keras", "keras3-keras-deflated"):
        path = os.path.join(folder, "model.keras")
        model.save(path)
        if kind == "keras3-keras-deflated":  # as an archiver leaves it after unpacking and packing
            with zipfile.ZipFile(path) as z:
                members = {n: z.read(n) for n in z.namelist()}
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
                for n, data in members.items():
                    z.writestr(zipfile.ZipInfo(n, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        return ["model.keras"]
    weights = "model_weights.h5" if kind == "keras2-json+weights" else "model.weights.h5"
    with open(os.path.join(folder, "model.json"), "w") as f:
        f.write(model.to_json())
    model.save_weights(os.path.join(folder, weights))
    return ["model.json", weights]


def load(kind, folder, files):
    """The framework's own reading of what was written: goldens are made of that, not of what was built."""
    k = tf_keras if kind.startswith("keras2") else keras
    if len(files) == 1:
        return k.models.load_model(os.path.join(folder, files[0]), compile=False)
    with open(os.path.join(folder, files[0])) as f:
        model = k.models.model_from_json(f.read())
    model.load_weights(os.path.join(folder, files[1]))
    return model


def make_inputs(case, model, names, rng):
    sizes = case.free_sizes or [()] * len(BATCHES)
    samples = []
    for batch, size in zip(BATCHES, sizes):
        sample = {}
        for tensor, name in zip(model.inputs, names):
            free = list(size)
            shape = [batch] + [d if d is not None else free.pop(0) for d in tensor.shape[1:]]
            sample[name] = bfloat16(rng.normal(case.input_mean, case.input_scale, shape))
        samples.append(sample)
    return samples


def run(model, inputs, channels_first):
    def call(*x):
        return model(x[0] if len(x) == 1 else list(x), training=False)

    if channels_first:  # by XLA: TensorFlow has no NCHW kernels for the CPU
        call = tf.function(call, jit_compile=True, autograph=False)
    outputs = call(*(tf.constant(v) for v in inputs.values()))
    return [o.numpy() for o in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


def output_names(model, keras2):
    """The layers that give the outputs, as the converter's user knows them."""
    if keras2:
        return list(model.output_names)
    return [t._keras_history.operation.name for t in model.outputs]


def convert(model, keras2, sparse=False):
    with tempfile.TemporaryDirectory() as folder:
        if keras2:
            model.save(folder, save_format="tf")
        else:
            model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if sparse:
            converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
        return converter.convert()


OPERATOR_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}


def describe(data, samples, names, outputs):
    """Counts of a converted file, and how far the real runtime's answers are from the source's."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    counts = {}
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        counts[name] = counts.get(name, 0) + 1
    version = next(bytes(model.buffers[m.buffer].data).decode().strip("\0") for m in model.metadata
                   if m.name == b"min_runtime_version")
    entry = {"bytes": len(data), "operators": dict(sorted(counts.items())),
             "operator_total": sum(counts.values()), "min_runtime_version": version,
             "sha256": hashlib.sha256(data).hexdigest()[:16]}
    interpreter = Interpreter(model_content=data,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    signature = interpreter.get_signature_list()["serving_default"]
    runner = interpreter.get_signature_runner("serving_default")
    theirs = {}
    if len(signature["inputs"]) == 1 and signature["inputs"] != names:
        theirs["inputs"] = {names[0]: signature["inputs"][0]}
    assert theirs or sorted(signature["inputs"]) == sorted(names), (signature, names)
    worst, found = 0.0, None
    for sample, golden in zip(samples, outputs):
        got = runner(**{theirs.get("inputs", {}).get(n, n): v for n, v in sample.items()})
        if found is None:  # Keras 3 numbers its outputs: output_0 is the model's first
            found = {n: n if n in got else f"output_{i}" for i, n in enumerate(golden)}
            assert sorted(found.values()) == sorted(got), (found, list(got))
        for n, g in golden.items():
            assert got[found[n]].shape == g.shape, (n, got[found[n]].shape, g.shape)
            worst = max(worst, float(np.abs(got[found[n]].astype(np.float64) - g).max()))
    if any(k != v for k, v in found.items()):
        theirs["outputs"] = found
    if theirs:
        entry["signature"] = {"inputs": theirs.get("inputs", {n: n for n in names}),
                              "outputs": found}
    entry["max_difference_from_source"] = float(f"{worst:.3g}")
    return entry


def write_safetensors(path, tensors):
    kinds = {"float32": "F32", "int32": "I32", "bool": "BOOL"}
    header, at = {}, 0
    for key, value in tensors.items():
        header[key] = {"dtype": kinds[value.dtype.name], "shape": list(value.shape),
                       "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for value in tensors.values():
            f.write(np.ascontiguousarray(value).tobytes())


def make(case, root):
    keras2 = case.kind.startswith("keras2")
    k = tf_keras if keras2 else keras
    seed = zlib.crc32(case.name.encode())
    rng = np.random.default_rng(seed)
    k.backend.clear_session()
    k.utils.set_random_seed(seed & 0x7FFFFFFF)
    folder = os.path.join(root, case.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    built = case.build(k, k.layers)
    fill_weights(built, rng, case.zeros)
    files = save(built, case.kind, folder)
    model = load(case.kind, folder, files)
    names = list(model.input_names) if keras2 else [t.name for t in model.inputs]
    outs = output_names(model, keras2)
    samples = make_inputs(case, model, names, rng)
    goldens = [dict(zip(outs, run(model, s, case.channels_first))) for s in samples]
    tensors = {}
    for i, (sample, golden) in enumerate(zip(samples, goldens)):
        tensors.update({f"in/{i}/{n}": v for n, v in sample.items()})
        for n, v in golden.items():
            assert np.isfinite(v).all() and not (v.shape[0] > 1 and np.allclose(v[0], v[1])), n
            tensors[f"out/{i}/{n}"] = v
    write_safetensors(os.path.join(folder, "io.safetensors"), tensors)
    references, error = {}, None
    for mode in ("fp32", "sparse_fp32") if case.zeros else ("fp32",):
        if case.refused_by_tensorflow:
            try:
                convert(model, keras2)
                raise AssertionError(f"{case.name}: the converter takes it after all")
            except ValueError as e:
                error = re.sub(r"\x1b\[\d*m", "", str(e)).strip().split("\n\n")[-2].strip()
            continue
        data = convert(model, keras2, mode == "sparse_fp32")
        with open(os.path.join(folder, f"reference_{mode}.tflite"), "wb") as f:
            f.write(data)
        references[mode] = describe(data, samples, names, goldens)
    largest = max(float(np.abs(v).max()) for g in goldens for v in g.values())
    tolerance = max(2e-5, 2e-5 * largest, *(2 * r["max_difference_from_source"] for r in references.values()))
    layer_names = sorted({type(x).__name__ for x in flat_layers(model)})
    about = {
        "name": case.name, "group": "models",
        "source": {"format": case.kind.replace("-deflated", ""), "framework":
                   f"tf_keras {tf_keras.__version__}" if keras2 else f"keras {keras.__version__}", "files": files},
        "layers": layer_names,
        "inputs": [{"name": n, "dtype": "float32", "shape": list(t.shape)} for n, t in zip(names, model.inputs)],
        "outputs": [{"name": n, "dtype": "float32"} for n in outs],
        "samples": [{"in": {n: list(v.shape) for n, v in s.items()}, "out": {n: list(v.shape) for n, v in g.items()}}
                    for s, g in zip(samples, goldens)],
        "tolerance": {"abs": float(f"{tolerance:.2g}"), "rel": 1e-4},
        "real_converter": {"converts": not error, "references": references} | ({"error": error} if error else {}),
        "why": case.build.__doc__,
    }
    with open(os.path.join(folder, "case.json"), "w") as f:
        json.dump(about, f, indent=1, ensure_ascii=False)
        f.write("\n")
    size = sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder))
    made = references.get("fp32", {"operator_total": "no", "max_difference_from_source": "-"})
    print(f"{case.name}: {size} bytes, {made['operator_total']} operators, largest output {largest:.3g}, "
          f"real converter off by {made['max_difference_from_source']}", flush=True)


def main(wanted):
    root = os.path.join(HERE, "models")
    for case in CASES:
        if not wanted or case.name in wanted:
            make(case, root)
    cases = []
    for case in CASES:
        with open(os.path.join(root, case.name, "case.json")) as f:
            about = json.load(f)
        cases.append({"path": case.name, "format": about["source"]["format"], "files": about["source"]["files"],
                      "converts": about["real_converter"]["converts"], "references": sorted(about["real_converter"]["references"])})
    with open(os.path.join(root, "index.json"), "w") as f:
        f.write('{"counts": {"models": %d},\n"cases": [\n' % len(cases))
        f.write(",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
