"""Reads the records of a capture file (doc/CAPTURE.md), without porthole."""
import ctypes
import ctypes.util
import struct

RECORDS, ZSTD = 2, 1


def _inflate(data, raw):
    lib = ctypes.CDLL(ctypes.util.find_library('zstd') or 'libzstd.so.1')
    lib.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(raw)
    n = lib.ZSTD_decompress(out, ctypes.c_size_t(raw), data, ctypes.c_size_t(len(data)))
    if n != raw:
        raise ValueError('a block does not unpack')
    return out.raw


def records(path, type_):
    """The records of one type, as bytes, in the file's order."""
    with open(path, 'rb') as f:
        data = f.read()
    at = 16
    while at < len(data):
        block, flags, _, stored, raw, items, _ = struct.unpack_from('<HHIIIII', data, at)
        body = data[at + 24:at + 24 + stored]
        at += 24 + stored
        if block != RECORDS:
            continue
        if flags & ZSTD:
            body = _inflate(body, raw)
        pos = 0
        for _ in range(items):
            n = struct.unpack_from('<I', body, pos + 24)[0]
            if struct.unpack_from('<H', body, pos + 40)[0] == type_:
                yield body[pos:pos + n]
            pos += (n + 7) & ~7
