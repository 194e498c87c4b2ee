#!/usr/bin/env python3
"""Makes the HDF5 files of this folder with the real library, and expected.json.

    python -m venv venv && venv/bin/pip install h5py==3.14.0
    venv/bin/python tests/data/hdf5/make_hdf5.py [FOLDER]

Each file shows one corner of the format that models in the wild have, or that
the files of other writers than Keras have. expected.json is written from what
the real library reads back, not from what was asked to be written. README.md
describes it.
"""
import json
import os
import sys

import h5py
import numpy as np

FILES = []


def file(**options):
    """Registers a maker of one file; options go to h5py.File."""
    def add(make):
        FILES.append((make, options))
        return make
    return add


def ramp(*shape, dtype=np.float32, start=0.0, step=0.25):
    count = int(np.prod(shape))
    return (start + step * np.arange(count)).astype(dtype).reshape(shape)


# ------------------------------------------------------------ as Keras writes

@file()
def keras_like(f):
    """superblock 0, version 1 headers, symbol tables, contiguous float32, vlen strings"""
    f.attrs["backend"] = "tensorflow"
    f.attrs["keras_version"] = "3.15.1"
    f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "täst"}})
    g = f.create_group("model_weights")
    g.attrs["layer_names"] = [b"input", b"conv", b"flatten"]
    conv = g.create_group("conv")
    conv.attrs["weight_names"] = [b"conv/kernel", b"conv/bias"]
    conv.create_dataset("conv/kernel", data=ramp(3, 3, 2, 4))
    conv.create_dataset("conv/bias", data=ramp(4, start=-1))
    for name in ("input", "flatten"):
        g.create_group(name).attrs["weight_names"] = []  # becomes float64 of shape (0,)
    f.create_dataset("optimizer_weights/iteration", data=np.int64(1234567890123))


@file()
def split_attributes(f):
    """a list over 64512 bytes, split by Keras into NAME0, NAME1, ... of fixed strings"""
    names = np.array([f"layer_{i:05d}_{'x' * 60}".encode() for i in range(900)])
    chunks = np.array_split(names, 2)
    for i, chunk in enumerate(chunks):
        f.attrs[f"layer_names{i}"] = chunk


@file()
def long_attribute(f):
    """a vlen string of 21 000 bytes: its own global heap collection"""
    f.attrs["model_config"] = "".join(f"{i:06d} " for i in range(3000))
    f.attrs["after"] = "short"


# --------------------------------------------------------- groups and headers

@file()
def many_links(f):
    """old-style group with 300 links: two levels of B-tree, many symbol nodes"""
    w = f.create_dataset("w", data=ramp(5))
    g = f.create_group("layers")
    for i in range(300):
        g[f"block_{i:03d}_{'n' * (i % 30)}"] = w


@file()
def header_continuation(f):
    """60 attributes on one version 1 header: continuation blocks"""
    d = f.create_dataset("d", data=ramp(2, 2))
    for i in range(60):
        d.attrs[f"attribute_{i:02d}"] = np.float32(i / 2)
    f.attrs["text"] = "between"


@file(libver="latest")
def latest(f):
    """superblock 3, version 2 headers, link messages in the header"""
    g = f.create_group("a/b/c")
    g.create_dataset("w", data=ramp(2, 3))
    g.attrs["names"] = ["one", "two"]
    f.attrs["number"] = np.int32(-7)


@file(libver="v108")
def libver_v108(f):
    """superblock 2 and version 2 headers, chunks in a version 1 B-tree"""
    f.create_dataset("g/w", data=ramp(7, 5), chunks=(3, 2), compression="gzip")


@file(libver="latest")
def latest_dense(f):
    """40 links and 40 attributes in one group: fractal heap and version 2 B-tree"""
    g = f.create_group("dense")
    for i in range(40):
        g.create_dataset(f"weight_{i:02d}", data=np.float32(i))
        g.attrs[f"attribute_{i:02d}"] = f"value {i}"


@file(libver="latest")
def latest_dense_large(f):
    """450 links in one group: fractal heap with an indirect block, two levels of B-tree"""
    w = f.create_dataset("w", data=ramp(5))
    g = f.create_group("dense")
    for i in range(450):
        g[f"link_{i:04d}_{'y' * 10}"] = w


@file(track_order=True)
def tracked_order(f):
    """creation order of links and attributes is kept"""
    for name in ("zebra", "ape", "mouse"):
        f.create_dataset(name, data=ramp(2))
        f.attrs[name] = name.upper()


@file(userblock_size=512)
def user_block_512(f):
    """the superblock lies at byte 512"""
    f.create_dataset("w", data=ramp(4))
    f.attrs["a"] = "vlen text"


@file(userblock_size=4096, libver="latest")
def user_block_4096_latest(f):
    """the superblock lies at byte 4096; addresses count from there"""
    f.create_dataset("w", data=ramp(40, 3), chunks=(16, 2), compression="gzip")
    f.attrs["a"] = "vlen text"


def with_creation_list(change):
    def open_file(path):
        fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
        change(fcpl)
        return h5py.File(h5py.h5f.create(path.encode(), h5py.h5f.ACC_TRUNC, fcpl=fcpl))
    return open_file


@file(open=with_creation_list(lambda p: p.set_sizes(4, 4)))
def sizes_of_4(f):
    """offsets and lengths of 4 bytes"""
    f.create_dataset("g/w", data=ramp(9, 4), chunks=(4, 4))
    f.create_dataset("g/c", data=ramp(3))
    f.attrs["a"] = "vlen text"


@file()
def hard_links(f):
    """one dataset under two names"""
    f.create_dataset("a/w", data=ramp(3))
    f["b"] = f["a/w"]


@file()
def soft_link(f):
    """a soft and an external link beside a plain dataset: never followed"""
    f.create_dataset("w", data=ramp(3))
    f["soft"] = h5py.SoftLink("/w")
    f["outside"] = h5py.ExternalLink("other.h5", "/w")


@file(libver="latest")
def soft_link_latest(f):
    """the same with link messages"""
    f.create_dataset("w", data=ramp(3))
    f["soft"] = h5py.SoftLink("/w")
    f["outside"] = h5py.ExternalLink("other.h5", "/w")


# --------------------------------------------------------------------- layout

def low_level(group, name, data, *, layout=None, change=None, write=True):
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if layout is not None:
        dcpl.set_layout(layout)
    if change:
        change(dcpl)
    kind = h5py.h5t.py_create(data.dtype, logical=True)
    d = h5py.h5d.create(group.id, name.encode(), kind, h5py.h5s.create_simple(data.shape), dcpl=dcpl)
    if write:
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(data))


@file()
def compact(f):
    """data inside the object header"""
    low_level(f, "w", ramp(3, 4), layout=h5py.h5d.COMPACT)
    low_level(f, "odd", np.arange(5, dtype=np.uint8), layout=h5py.h5d.COMPACT)


@file(libver="latest")
def compact_latest(f):
    """data inside a version 2 object header"""
    low_level(f, "w", ramp(3, 4), layout=h5py.h5d.COMPACT)


@file()
def chunked(f):
    """chunks without a filter, in a version 1 B-tree; the last ones stick out"""
    f.create_dataset("one", data=ramp(10), chunks=(4,))
    f.create_dataset("two", data=ramp(7, 5), chunks=(3, 2))
    f.create_dataset("four", data=ramp(3, 4, 5, 2), chunks=(2, 3, 2, 2))
    f.create_dataset("whole", data=ramp(6, 2), chunks=(6, 2))
    f.create_dataset("larger", data=ramp(3, 2), chunks=(8, 8), maxshape=(None, None))


@file()
def chunked_many(f):
    """200 chunks: a version 1 B-tree of two levels"""
    f.create_dataset("w", data=ramp(200, 3, dtype=np.int16, step=1), chunks=(1, 3))


@file()
def chunked_deflate_shuffle(f):
    """deflate, shuffle, and both"""
    noisy = np.random.default_rng(1).normal(size=(20, 11)).astype(np.float32)
    f.create_dataset("deflate", data=ramp(17, 9), chunks=(8, 4), compression="gzip", compression_opts=9)
    f.create_dataset("shuffle", data=ramp(17, 9), chunks=(8, 4), shuffle=True)
    f.create_dataset("both", data=noisy, chunks=(7, 5), compression="gzip", shuffle=True)
    f.create_dataset("both_f64", data=noisy.astype(np.float64)[:5], chunks=(3, 11), compression="gzip", shuffle=True)
    f.create_dataset("zeros", data=np.zeros((60, 40), np.float32), chunks=(25, 40), compression="gzip")


@file()
def fletcher32(f):
    """checksummed chunks, alone and after deflate"""
    f.create_dataset("alone", data=ramp(6, 3), chunks=(4, 3), fletcher32=True)
    f.create_dataset("deflate", data=ramp(6, 3), chunks=(4, 3), fletcher32=True, compression="gzip", shuffle=True)
    f.create_dataset("odd", data=np.arange(13, dtype=np.uint8), chunks=(5,), fletcher32=True)


@file()
def lzf(f):
    """filter 32000: may be refused by its name"""
    f.create_dataset("w", data=np.tile(ramp(16), 16), chunks=(256,), compression="lzf")


@file()
def scale_offset(f):
    """a filter that no model file needs: refused by its name"""
    f.create_dataset("w", data=np.arange(64, dtype=np.int32), chunks=(64,), scaleoffset=0)


@file(libver="latest")
def chunked_latest(f):
    """every chunk index of the newest format"""
    f.create_dataset("single", data=ramp(6, 5), chunks=(6, 5))
    f.create_dataset("single_deflate", data=ramp(6, 5), chunks=(6, 5), compression="gzip")
    f.create_dataset("fixed_array", data=ramp(9, 7), chunks=(2, 3))
    f.create_dataset("fixed_array_deflate", data=ramp(9, 7), chunks=(2, 3), compression="gzip", shuffle=True)
    f.create_dataset("fixed_array_paged", data=ramp(2100, step=1), chunks=(1,))
    f.create_dataset("extensible_array", data=ramp(9, 7), chunks=(2, 3), maxshape=(None, 7))
    f.create_dataset("extensible_array_deflate", data=ramp(900, step=1), chunks=(2,), maxshape=(None,),
                     compression="gzip")
    f.create_dataset("btree_v2", data=ramp(9, 7), chunks=(2, 3), maxshape=(None, None))
    f.create_dataset("btree_v2_deflate", data=ramp(40, 30), chunks=(2, 3), maxshape=(None, None),
                     compression="gzip")
    low_level(f, "implicit", ramp(9, 7), layout=h5py.h5d.CHUNKED, change=lambda p: (
        p.set_chunk((2, 3)), p.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)))


@file()
def never_written(f):
    """datasets without storage, and chunks that were never written: the fill value"""
    f.create_dataset("contiguous", shape=(3, 2), dtype="f4")
    f.create_dataset("contiguous_fill", shape=(3, 2), dtype="f4", fillvalue=2.5)
    d = f.create_dataset("chunked_fill", shape=(6, 4), dtype="f4", chunks=(2, 2), fillvalue=-1.5,
                         compression="gzip")
    d[2:4, 0:2] = 7
    f.create_dataset("chunked_nothing", shape=(6,), dtype="i4", chunks=(2,), fillvalue=9)


@file(libver="latest")
def never_written_latest(f):
    """the same in the newest format"""
    f.create_dataset("contiguous_fill", shape=(3, 2), dtype="f4", fillvalue=2.5)
    d = f.create_dataset("chunked_fill", shape=(6, 4), dtype="f4", chunks=(2, 2), fillvalue=-1.5)
    d[2:4, 0:2] = 7


@file()
def empty(f):
    """no elements: shapes with a zero, null dataspaces, an empty group"""
    f.create_dataset("none", data=np.zeros((0,), np.float32))
    f.create_dataset("none_by_three", data=np.zeros((0, 3), np.float32))
    f.create_dataset("null", data=h5py.Empty("f4"))
    f.create_dataset("scalar", data=np.float32(0.5))
    f.attrs["null"] = h5py.Empty("S10")
    f.attrs["none"] = []
    f.create_group("group")


@file()
def empty_root(f):
    """nothing at all"""


# ---------------------------------------------------------------------- types

@file()
def types(f):
    """every number type, little-endian"""
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
        values = [0, 1, 100, 7] if kind[0] == "u" else [0, -1, 100, -7]
        f.create_dataset(kind, data=np.array(values, "<" + kind))
        f.attrs[kind] = np.array(values, "<" + kind)
    f.create_dataset("bool", data=np.array([True, False, True]))
    f.attrs["bool"] = True
    f.create_dataset("float_extremes", data=np.array(
        [3.4028234663852886e38, 1.401298464324817e-45, -0.0, 1 / 3], np.float32))
    f.create_dataset("half_extremes", data=np.array([65504, 6e-8, -0.0, 1 / 3], np.float16))


@file()
def big_endian(f):
    """every number type, big-endian"""
    for kind in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"):
        values = [0, 1, 100, 7] if kind[0] == "u" else [0, -1, 100, -7]
        f.create_dataset(kind, data=np.array(values, ">" + kind))
        f.attrs[kind] = np.array(values, ">" + kind)
    f.create_dataset("w", data=ramp(5, 3).astype(">f4"), chunks=(2, 2), shuffle=True, compression="gzip")


@file()
def raw_bfloat16(f):
    """as Keras stores bfloat16: two raw bytes an element and an attribute"""
    d = f.create_dataset("w", data=(ramp(6).view(np.uint32) >> 16).astype(np.uint16).view("V2"))
    d.attrs["dtype"] = "bfloat16"


def string_file(f):
    vlen_ascii = h5py.string_dtype("ascii")
    vlen_utf8 = h5py.string_dtype("utf-8")
    f.attrs["vlen_ascii"] = np.array("plain", dtype=object).astype(vlen_ascii)
    f.attrs["vlen_utf8"] = "grün 層 \U0001f600"
    f.attrs["vlen_empty"] = ""
    f.attrs.create("vlen_list", ["one", "", "three"], dtype=vlen_utf8)
    f.attrs.create("vlen_matrix", [["a", "b"], ["c", "d"]], dtype=vlen_ascii)
    f.attrs["fixed"] = np.bytes_(b"fixed")
    f.attrs["fixed_list"] = np.array([b"one", b"fourteen bytes", b""])
    f.attrs.create("fixed_utf8", "grün".encode(), dtype=h5py.string_dtype("utf-8", 5))
    for name, padding in (("null_terminated", h5py.h5t.STR_NULLTERM), ("null_padded", h5py.h5t.STR_NULLPAD),
                          ("space_padded", h5py.h5t.STR_SPACEPAD)):
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(8)
        kind.set_strpad(padding)
        a = h5py.h5a.create(f.id, name.encode(), kind, h5py.h5s.create_simple((2,)))
        fill = b" " if padding == h5py.h5t.STR_SPACEPAD else b"\0"
        a.write(np.array([b"abc".ljust(8, fill), b"seven77".ljust(8, fill)], "S8"), mtype=kind)
    f.create_dataset("vlen", data=["dataset", "of", "strings"], dtype=vlen_utf8)
    f.create_dataset("fixed", data=np.array([b"ab", b"cdef"]))


@file()
def strings(f):
    """variable-length and fixed strings, in attributes and datasets"""
    string_file(f)


@file(libver="latest")
def strings_latest(f):
    """the same in the newest format"""
    string_file(f)


@file()
def other_types(f):
    """compound, reference and array types beside plain ones: what isn't needed must not spoil the rest"""
    f.create_dataset("w", data=ramp(3))
    f.attrs["compound"] = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")])
    f.attrs["reference"] = f["w"].ref
    f.attrs.create("array", np.arange(6, dtype="i4").reshape(2, 3), shape=(2, 3), dtype=np.dtype("(3,)i4"))
    f.attrs["plain"] = "read me"
    f.create_dataset("compound", data=np.zeros(2, dtype=[("a", "i4"), ("b", "f4")]))


@file()
def committed_type(f):
    """a named type, shared by a dataset and an attribute"""
    f["kind"] = np.dtype("<f4")
    f.create_dataset("w", data=ramp(3), dtype=f["kind"])
    f.attrs.create("a", ramp(2), dtype=f["kind"])


@file(libver="latest")
def committed_type_latest(f):
    """the same in the newest format"""
    f["kind"] = np.dtype("<f4")
    f.create_dataset("w", data=ramp(3), dtype=f["kind"])
    f.attrs.create("a", ramp(2), dtype=f["kind"])


# ------------------------------------------------------------------- expected

PLAIN = {np.dtype(k): k for k in ("int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
                                  "float16 float32 float64").split()}


def text(x):
    return x.decode("utf-8") if isinstance(x, bytes) else x


def described(shape, kind, values):
    """Type, shape and values of a dataset or an attribute, as the real library gives them."""
    if shape is None:
        return {"dtype": "null", "shape": None}
    string = h5py.check_string_dtype(kind)
    if string:
        flat = np.asarray(values, dtype=object).reshape(-1) if shape != () else [values]
        return {"dtype": "string", "shape": list(shape), "values": [text(v) for v in flat]}
    if h5py.check_enum_dtype(kind) or kind == np.bool_:
        return {"dtype": "bool", "shape": list(shape), "values": [int(v) for v in np.asarray(values).reshape(-1)]}
    if kind.kind == "V" and not kind.names and not kind.subdtype:
        return {"dtype": "opaque", "shape": list(shape), "hex": np.asarray(values).tobytes().hex()}
    native = PLAIN.get(kind.newbyteorder("="))
    if native is None:
        return {"dtype": "unsupported", "shape": list(shape)}
    return {"dtype": native, "shape": list(shape), "values": np.asarray(values).reshape(-1).tolist()}


def attribute(a, name):
    i = h5py.h5a.open(a._id, name.encode())
    kind = i.dtype
    padding = None
    t = i.get_type()
    if isinstance(t, h5py.h5t.TypeStringID) and not t.is_variable_str() and t.get_strpad() == h5py.h5t.STR_SPACEPAD:
        padding = b" "
    if i.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return described(None, kind, None)
    if kind.kind == "O" and not h5py.check_string_dtype(kind):
        return {"dtype": "unsupported", "shape": list(i.shape)}
    values = a[name]
    if padding:
        values = np.char.rstrip(np.asarray(values), padding)
    if kind.subdtype:
        return {"dtype": "unsupported", "shape": list(i.shape)}
    return described(i.shape, kind, values)


def describe(f):
    objects = {}
    seen = {}

    def visit(path, x):
        address = h5py.h5o.get_info(x.id).addr
        if address in seen:
            objects[path] = {"same_as": seen[address]}
            return
        seen[address] = path
        entry = {"attributes": {n: attribute(x.attrs, n) for n in x.attrs}}
        if isinstance(x, h5py.Datatype):
            entry["kind"] = "datatype"
        elif isinstance(x, h5py.Dataset):
            entry["kind"] = "dataset"
            entry.update(described(x.shape, x.dtype, x[()] if x.shape is not None else None))
        else:
            entry["kind"] = "group"
            entry["links"] = {}
            for n in x:
                link = x.get(n, getlink=True)
                entry["links"][n] = {h5py.HardLink: "hard", h5py.SoftLink: "soft",
                                     h5py.ExternalLink: "external"}[type(link)]
        objects[path] = entry
        if entry["kind"] == "group":
            for n, how in entry["links"].items():
                if how == "hard":
                    visit(path.rstrip("/") + "/" + n, x[n])

    visit("/", f)
    return objects


MAY_REFUSE = {"lzf": ["/w"], "scale_offset": ["/w"]}


def main(folder):
    expected = {}
    for make, options in FILES:
        options = dict(options)
        path = os.path.join(folder, make.__name__ + ".h5")
        opener = options.pop("open", None)
        with (opener(path) if opener else h5py.File(path, "w", **options)) as f:
            make(f)
        if options.get("userblock_size"):
            with open(path, "r+b") as f:  # what stands before the superblock is anybody's
                f.write(b"#!/bin/sh\n# a user block\n".ljust(options["userblock_size"], b"\n"))
        with h5py.File(path, "r", track_order=options.get("track_order")) as f:
            entry = {"why": make.__doc__, "objects": describe(f)}
        if make.__name__ in MAY_REFUSE:
            entry["may_refuse"] = MAY_REFUSE[make.__name__]
        expected[make.__name__ + ".h5"] = entry
    with open(os.path.join(folder, "expected.json"), "w") as f:
        f.write("{\n")
        f.write(",\n".join(f" {json.dumps(k)}: {{\n  \"why\": {json.dumps(v['why'])},\n"
                           + (f"  \"may_refuse\": {json.dumps(v['may_refuse'])},\n" if "may_refuse" in v else "")
                           + "  \"objects\": {\n"
                           + ",\n".join(f"   {json.dumps(p)}: {json.dumps(o, separators=(',', ':'))}"
                                        for p, o in v["objects"].items())
                           + "\n  }\n }" for k, v in expected.items()))
        f.write("\n}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
