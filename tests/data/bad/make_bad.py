#!/usr/bin/env python3
"""Makes files that a converter must refuse with a clear error, and expected.json.

    venv/bin/python tests/data/bad/make_bad.py        (the environment of make_models.py)

Most are sound models changed in one place, so that nothing but that place is wrong.
A file that differs little from good.h5 or good.keras is stored as its differences:
README.md says how, read_bad.mjs reads them.
"""
import io
import json
import os
import struct
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import h5py
import keras
import numpy as np
import tf_keras

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = {}


def expect(file, why, codes, mentions=()):
    """The error's code is one of `codes`; its message or its issues hold each of `mentions`."""
    EXPECTED[file] = {"why": why, "codes": codes.split(), "mentions": list(mentions)}
    return os.path.join(HERE, file)


def write(file, data, *about):
    with open(expect(file, *about), "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def small(k):
    k.utils.set_random_seed(1)
    x = k.Input((4, 4, 2), name="x")
    y = k.layers.Conv2D(3, 3, activation="relu", name="conv")(x)
    return k.Model(x, k.layers.Dense(2, name="dense")(k.layers.Flatten(name="flat")(y)))


def differences(base, data):
    """[[offset, hex], ...]: what to overwrite in `base`, cut or lengthened to data's size, to get `data`."""
    same = np.frombuffer(base[:len(data)].ljust(len(data), b"\0"), np.uint8) == np.frombuffer(data, np.uint8)
    edits, at = [], 0
    for at in np.flatnonzero(~same).tolist():
        if edits and at - edits[-1][1] < 8:
            edits[-1][1] = at + 1
        else:
            edits.append([at, at + 1])
    return [[a, data[a:b].hex()] for a, b in edits]


def store_as_differences():
    """Replaces files by their differences where that takes less than half of their size."""
    bases = {name: read(os.path.join(HERE, name)) for name in ("good.h5", "good.keras")}
    for name, entry in EXPECTED.items():
        data = read(os.path.join(HERE, name))
        best = min(((base, differences(content, data)) for base, content in bases.items()),
                   key=lambda choice: len(json.dumps(choice[1])))
        if data and len(json.dumps(best[1])) * 2 < len(data):
            entry.update(base=best[0], length=len(data), edits=best[1])
            os.remove(os.path.join(HERE, name))


@keras.saving.register_keras_serializable("shop")
class Swirl(keras.layers.Layer):
    def call(self, x):
        return x * 2


@tf_keras.utils.register_keras_serializable("shop")
class Whirl(tf_keras.layers.Layer):
    def call(self, x):
        return x * 2


def not_models():
    write("empty.h5", b"", "nothing in it: 0 bytes", "not-a-model", ["empty"])
    write("page.h5", b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n",
          "a web page saved under a model's name", "not-a-model", ["HTML"])
    write("text.keras", b"This is not a model.\n" * 20, "plain text", "not-a-model")
    write("pointer.h5", b"version https://git-lfs.github.com/spec/v1\n"
          b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
          "a Git LFS pointer in place of the file", "not-a-model", ["LFS"])
    write("random.h5", np.random.default_rng(3).bytes(4096), "noise", "not-a-model")
    write("signature_only.h5", b"\x89HDF\r\n\x1a\n", "eight right bytes and no more", "corrupt not-a-model")


def broken_hdf5(good):
    write("cut_in_half.h5", good[:len(good) // 2], "the download stopped half-way", "corrupt")
    write("cut_at_the_end.h5", good[:-16], "the last bytes are missing", "corrupt")

    def patched(file, why, marker, offset, value, which=0):
        at = -1
        for _ in range(which + 1):
            at = good.index(marker, at + 1)
        data = bytearray(good)
        data[at + offset:at + offset + len(value)] = value
        write(file, bytes(data), why, "corrupt")

    far = struct.pack("<Q", 1 << 60)
    write("root_outside.h5", good[:64] + far + good[72:], "the root group's address lies outside the file", "corrupt")
    patched("heap_outside.h5", "a local heap's data lie outside the file", b"HEAP", 24, far)
    patched("heap_huge.h5", "a local heap that claims 2^60 bytes", b"HEAP", 8, far)
    patched("collection_huge.h5", "a global heap collection that claims 2^60 bytes", b"GCOL", 8, far)
    patched("string_huge.h5", "a string in the global heap that claims 2^60 bytes", b"GCOL", 24, far)
    tree = good.index(b"TREE")
    patched("tree_cycle.h5", "a B-tree node that is its own child", b"TREE", 5,
            b"\x01" + good[tree + 6:tree + 24] + good[tree + 24:tree + 32] + struct.pack("<Q", tree))
    patched("tree_many.h5", "a B-tree node with 65535 entries in a small file", b"TREE", 6, b"\xff\xff")
    patched("symbols_many.h5", "a symbol table node with 65535 entries", b"SNOD", 6, b"\xff\xff")


def changed_h5(good, file, why, codes, mentions, change):
    path = expect(file, why, codes, mentions)
    with open(path, "wb") as f:
        f.write(good)
    with h5py.File(path, "r+") as f:
        change(f)


def config_of(f):
    text = f.attrs["model_config"]
    return json.loads(text if isinstance(text, str) else text.decode())


def wrong_contents(good):
    def change(file, why, codes, mentions=()):
        return lambda make: changed_h5(good, file, why, codes, mentions, make)

    @change("weights_missing.h5", "the dense layer's kernel is gone", "corrupt", ["dense", "kernel"])
    def _(f):
        del f["model_weights/dense/dense/kernel"]

    @change("layer_missing.h5", "the dense layer's group is gone", "corrupt", ["dense"])
    def _(f):
        del f["model_weights/dense"]

    @change("weights_of_another_shape.h5", "the dense layer's kernel is [12, 3], the architecture wants [12, 2]",
            "corrupt", ["dense", "3"])
    def _(f):
        del f["model_weights/dense/dense/kernel"]
        f["model_weights/dense/dense/kernel"] = np.ones((12, 3), np.float32)

    @change("weights_of_text.h5", "the dense layer's kernel holds strings", "corrupt unsupported", ["dense"])
    def _(f):
        del f["model_weights/dense/dense/kernel"]
        f["model_weights/dense/dense/kernel"] = np.array([[b"a", b"b"]] * 12)

    @change("kernel_huge.h5", "a kernel that claims 2^40 x 2 values and stores none", "corrupt", ["dense"])
    def _(f):
        del f["model_weights/dense/dense/kernel"]
        f["model_weights/dense/dense"].create_dataset("kernel", shape=(1 << 40, 2), dtype="f4")

    @change("kernel_huge_chunked.h5", "the same in chunks of 2^20 values, none of them written", "corrupt", ["dense"])
    def _(f):
        del f["model_weights/dense/dense/kernel"]
        f["model_weights/dense/dense"].create_dataset("kernel", shape=(1 << 40, 2), dtype="f4", chunks=(1 << 19, 2),
                                                      compression="gzip")

    @change("units_huge.h5", "a Dense layer of 2^40 units; its kernel is as small as before", "corrupt unsupported",
            ["dense"])
    def _(f):
        config = config_of(f)
        config["config"]["layers"][3]["config"]["units"] = 1 << 40
        f.attrs["model_config"] = json.dumps(config)

    @change("group_cycle.h5", "the dense layer's group is a link to the group that holds it", "corrupt", ["dense"])
    def _(f):
        del f["model_weights/dense/dense"]
        f["model_weights/dense/dense"] = f["model_weights"]

    @change("graph_cycle.h5", "the first convolution takes the last layer's output", "corrupt unsupported", ["conv"])
    def _(f):
        config = config_of(f)
        config["config"]["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "dense"
        f.attrs["model_config"] = json.dumps(config)

    @change("layer_unknown_in_links.h5", "a layer takes the output of one that is not there", "corrupt", ["ghost"])
    def _(f):
        config = config_of(f)
        config["config"]["layers"][3]["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "ghost"
        f.attrs["model_config"] = json.dumps(config)

    @change("config_cut.h5", "the architecture's JSON ends in its middle", "corrupt", ["model_config"])
    def _(f):
        text = f.attrs["model_config"]
        f.attrs["model_config"] = text[:len(text) // 2]

    @change("config_deep.h5", "an architecture nested 5000 levels deep", "corrupt")
    def _(f):
        f.attrs["model_config"] = "[" * 5000 + "]" * 5000

    @change("config_missing.h5", "weights beside no architecture", "unsupported bad-input not-a-model", ["model_config"])
    def _(f):
        del f.attrs["model_config"]

    @change("strides_zero.h5", "a convolution with strides of zero", "corrupt unsupported", ["conv", "strides"])
    def _(f):
        config = config_of(f)
        config["config"]["layers"][1]["config"]["strides"] = [0, 0]
        f.attrs["model_config"] = json.dumps(config)

    @change("padding_unknown.h5", "a convolution with a padding that doesn't exist", "corrupt unsupported", ["conv", "sideways"])
    def _(f):
        config = config_of(f)
        config["config"]["layers"][1]["config"]["padding"] = "sideways"
        f.attrs["model_config"] = json.dumps(config)

    with h5py.File(expect("not_keras.h5", "an HDF5 file of something else", "not-a-model unsupported"), "w") as f:
        f["measurements"] = np.arange(10.0)


def unsupported():
    k = keras
    x = k.Input((4,), name="x")
    k.Model(x, k.layers.Lambda(lambda v: v * 2, name="twice")(k.layers.Dense(3)(x))).save(
        expect("lambda.h5", "a Lambda layer of Keras 3: Python code that only Python can run", "unsupported", ["Lambda", "twice"]))
    x = k.Input((4,), name="x")
    k.Model(x, k.layers.Lambda(lambda v: v * 2, name="twice")(k.layers.Dense(3)(x))).save(
        expect("lambda.keras", "the same in a .keras", "unsupported", ["Lambda", "twice"]))
    x = tf_keras.Input((4,), name="x")
    tf_keras.Model(x, tf_keras.layers.Lambda(lambda v: v * 2, name="twice")(tf_keras.layers.Dense(3)(x))).save(
        expect("lambda_keras2.h5", "the same of Keras 2", "unsupported", ["Lambda", "twice"]))
    x = k.Input((4,), name="x")
    y = Swirl(name="first_swirl")(k.layers.Dense(3)(x))
    y = k.layers.Lambda(lambda v: v + 1, name="plus")(y)
    k.Model(x, Swirl(name="second_swirl")(y)).save(
        expect("custom_layers.keras", "two layers of a custom class and a Lambda: all three are to be named",
               "unsupported", ["Swirl", "first_swirl", "second_swirl", "Lambda", "plus"]))
    x = tf_keras.Input((4,), name="x")
    tf_keras.Model(x, Whirl(name="whirl")(tf_keras.layers.Dense(3)(x))).save(
        expect("custom_layer_keras2.h5", "a custom class in a Keras 2 file", "unsupported", ["Whirl", "whirl"]))


def weights_only():
    k = keras
    small(k).save_weights(expect("keras3.weights.h5", "weights only, of Keras 3", "unsupported bad-input", ["weights"]))
    small(tf_keras).save_weights(expect("keras2_weights.h5", "weights only, of Keras 2", "unsupported bad-input", ["weights"]))
    write("architecture.json", small(k).to_json().encode(), "an architecture without weights",
          "unsupported bad-input", ["weights"])


def broken_zip():
    path = os.path.join(HERE, "good.keras")
    small(keras).save(path)
    good = read(path)
    with zipfile.ZipFile(io.BytesIO(good)) as z:
        members = {n: z.read(n) for n in z.namelist()}

    def packed(change, kind=zipfile.ZIP_STORED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", kind) as z:
            for n, data in change(dict(members)).items():
                z.writestr(zipfile.ZipInfo(n, (2026, 1, 1, 0, 0, 0)), data, kind)
        return out.getvalue()

    without = lambda name: packed(lambda m: {n: d for n, d in m.items() if n != name})
    write("cut_in_half.keras", good[:len(good) // 2], "the download stopped half-way", "corrupt")
    write("without_config.keras", without("config.json"), "no config.json inside", "not-a-model unsupported corrupt", ["config.json"])
    write("without_weights.keras", without("model.weights.h5"), "no weights inside", "corrupt unsupported", ["weights"])
    write("weights_cut.keras", packed(lambda m: m | {"model.weights.h5": m["model.weights.h5"][:3000]}),
          "the weights inside are cut", "corrupt")
    deflated = packed(lambda m: m, zipfile.ZIP_DEFLATED)
    data = bytearray(deflated)
    at = data.index(b"PK\x01\x02", data.index(b"config.json"))
    data[at + 24:at + 28] = struct.pack("<I", 0xFFFFFFF0)
    write("size_huge.keras", bytes(data), "a deflated member that claims 4 GB", "corrupt")
    data = bytearray(good)
    at = good.rindex(b"config.json") - 46
    assert good[at:at + 4] == b"PK\x01\x02"
    data[at + 42:at + 46] = struct.pack("<I", 0x7FFFFFFF)
    write("member_outside.keras", bytes(data), "a member that lies outside the file", "corrupt")
    data = bytearray(deflated)
    at = data.index(b"config.json") + 60
    data[at:at + 40] = bytes(40)
    write("deflate_broken.keras", bytes(data), "deflated data that are damaged", "corrupt")


def main():
    path = os.path.join(HERE, "good.h5")
    small(keras).save(path)
    good = read(path)
    not_models()
    broken_hdf5(good)
    wrong_contents(good)
    unsupported()
    weights_only()
    broken_zip()
    store_as_differences()
    with open(os.path.join(HERE, "expected.json"), "w") as f:
        f.write("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in EXPECTED.items()) + "\n}\n")


if __name__ == "__main__":
    main()
