"""Makes the zip archives and zlib streams that the tests of core/formats read.

Every stream decompresses to the bytes of `sample()` or to what its name says; zlib's own checksum
in each tells whether the result is right. Run it in this folder: python make_zip.py
"""
import io
import struct
import zipfile
import zlib


def sample():
    """40 000 bytes with repetitions near and far, runs, and noise."""
    out = bytearray()
    state = 1
    while len(out) < 40000:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        kind = state >> 16 & 3
        if kind == 0:
            out += bytes([state >> 8 & 0xFF]) * (state >> 20 & 0x1FF)
        elif kind == 1 and len(out) > 100:
            start = state % len(out)
            out += out[start:start + (state >> 12 & 0xFF)]
        elif kind == 2:
            out += struct.pack("<4f", *(((state >> s) & 0xFF) / 64 - 2 for s in (0, 4, 8, 12)))
        else:
            out += b"%d kernel bias " % (state & 0xFFF)
    return bytes(out[:40000])


def compressed(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, wbits=15):
    stream = zlib.compressobj(level, zlib.DEFLATED, wbits, 8, strategy)
    return stream.compress(data) + stream.flush()


def flushed_in_parts(data):
    """Many blocks: full and partial flushes between pieces leave empty blocks."""
    stream = zlib.compressobj(9)
    out = b""
    for i in range(0, len(data), 1000):
        out += stream.compress(data[i:i + 1000])
        out += stream.flush(zlib.Z_FULL_FLUSH if i % 3000 else zlib.Z_SYNC_FLUSH)
    return out + stream.flush()


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def archive(members, method=zipfile.ZIP_STORED, comment=b"", force_zip64=False):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, data in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            with out.open(info, "w", force_zip64=force_zip64) as member:
                member.write(data)
        out.comment = comment
    return buffer.getvalue()


def zip64_by_hand(name, data):
    """Each number that may stand in a zip64 record does: sizes, offset, counts."""
    ones = 0xFFFFFFFF
    crc = zlib.crc32(data)
    extra = struct.pack("<HHQQ", 1, 16, len(data), len(data))
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0, crc, ones, ones, len(name),
                        len(extra)) + name + extra + data
    extra = struct.pack("<HHQQQ", 1, 24, len(data), len(data), 0)
    directory = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0, crc, ones, ones,
                            len(name), len(extra), 0, 0, 0, 0, ones) + name + extra
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(directory), len(local))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(local) + len(directory), 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, ones, ones, 0)
    return local + directory + end64 + locator + end


def main():
    data = sample()
    write("sample.bin", data)
    write("best.zlib", compressed(data, 9))
    write("fast.zlib", compressed(data, 1))
    write("stored.zlib", compressed(data, 0))
    write("fixed.zlib", compressed(data, 6, zlib.Z_FIXED))
    write("huffman_only.zlib", compressed(data, 6, zlib.Z_HUFFMAN_ONLY))
    write("runs.zlib", compressed(data, 6, zlib.Z_RLE))
    write("parts.zlib", flushed_in_parts(data))
    write("empty.zlib", compressed(b""))

    members = [("config.json", b'{"class_name": "Sequential"}'), ("folder/", b""),
               ("folder/sample.bin", data[:3000]), ("empty", b"")]
    write("stored.zip", archive(members))
    write("deflated.zip", archive(members, zipfile.ZIP_DEFLATED))
    write("comment.zip", archive(members, comment=b"PK\5\6 is the signature of the end record"))
    write("behind_a_program.zip", b"#!/bin/sh\n" + archive(members, zipfile.ZIP_DEFLATED))
    write("zip64_sizes.zip", archive(members, force_zip64=True))
    write("zip64.zip", zip64_by_hand(b"config.json", members[0][1]))
    write("zip64_behind_a_program.zip", b"MZ" + zip64_by_hand(b"config.json", members[0][1]))
    write("bzip2.zip", archive(members, zipfile.ZIP_BZIP2))
    write("twice.zip", archive([("a", b"first"), ("a", b"second")]))
    write("no_members.zip", archive([]))


main()
