"""libhone through its C interface (include/hone/worlds.h)."""
import ctypes
import ctypes.util
import os
import pathlib
from ctypes import POINTER, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t, c_uint8, c_uint64, c_void_p


class SpaceOf(ctypes.Structure):
    _fields_ = [("kind", c_int32), ("dtype", c_int32), ("dimensions", c_int32), ("shape", c_int64 * 8), ("low", c_double), ("high", c_double), ("bytes", c_size_t)]


class SpecOf(ctypes.Structure):
    _fields_ = [("observation", SpaceOf), ("action", SpaceOf), ("slots", c_int32), ("autoreset", c_int32), ("max_steps", c_int32), ("infos", c_int32)]


class Buffers(ctypes.Structure):
    _fields_ = [("obs", c_void_p), ("final_obs", c_void_p), ("reward", c_void_p), ("terminated", c_void_p), ("truncated", c_void_p), ("fault", c_void_p), ("info", c_void_p)]


def find():
    """HONE_LIBRARY, beside this package, or where the system looks."""
    named = os.environ.get("HONE_LIBRARY")
    beside = sorted(pathlib.Path(__file__).parent.glob("libhone.so*"))
    path = named or (str(beside[0]) if beside else ctypes.util.find_library("hone"))
    if not path:
        raise OSError("hone_worlds: no libhone.so: set HONE_LIBRARY to it, put it beside this package, or install Hone")
    try:
        return ctypes.CDLL(path)
    except OSError as e:
        raise OSError(f"hone_worlds: {path} can't be loaded: {e}") from None


def declare(lib):
    strings = POINTER(c_char_p)
    for name, result, arguments in (
        ("hone_worlds_open", c_void_p, [c_char_p, strings, strings, c_size_t, c_int32, c_int32, c_int32, c_int32]),
        ("hone_worlds_close", None, [c_void_p]),
        ("hone_worlds_spec_of", None, [c_void_p, POINTER(SpecOf)]),
        ("hone_worlds_info_name", c_char_p, [c_void_p, c_int32]),
        ("hone_worlds_reset", c_int32, [c_void_p, c_uint64, c_void_p, Buffers]),
        ("hone_worlds_step", c_int32, [c_void_p, c_void_p, Buffers]),
        ("hone_worlds_error", c_char_p, []),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


_loaded = None


def library():
    global _loaded
    if _loaded is None:
        _loaded = declare(find())
    return _loaded


def error():
    return library().hone_worlds_error().decode()
