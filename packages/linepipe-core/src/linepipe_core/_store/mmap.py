"""Maps files copy-on-write, and knows which maps are still what their file is.

Apart from the buffers because it talks to the operating system: a map is private, writable
and holds no file descriptor; and a node that passes on a frame that it got from the shelf
need not have it hashed again when the system says that none of its pages was written to.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
import weakref
from functools import cache
from typing import Any, Final, TypeAlias

Buffer: TypeAlias = "mmap.mmap | bytearray | memoryview"

# An entry of /proc/<pid>/pagemap is 8 bytes, and the last of them holds these bits
# (Documentation/admin-guide/mm/pagemap.rst).
_IS_IN_MEMORY_OR_SWAP: Final = 0x80 | 0x40
_IS_PAGE_OF_A_FILE: Final = 0x20

# Address -> size and digest of each map that lives.
_maps: dict[int, tuple[int, str]] = {}


def map_file(fd: int, n_bytes: int, digest: str) -> Buffer:
    """A private, writable map of a file; a copy of it in memory where it can't be mapped.

    Args:
        fd: a descriptor of the file, which may be closed afterwards.
        n_bytes: the file's size.
        digest: what `known_digest` is to tell, as long as nobody writes to the map.
    """
    try:
        if sys.platform == "win32":
            return mmap.mmap(fd, n_bytes, access=mmap.ACCESS_COPY)
        return _mapped(fd, n_bytes, digest)
    except OSError as error:
        if error.errno not in (errno.ENOMEM, errno.ENODEV):
            raise
        return read_file(fd, n_bytes)  # no more maps, or a filesystem without: as private


def read_file(fd: int, n_bytes: int) -> bytearray:
    """A file's content, in memory.

    Raises:
        ValueError: it ends too soon.
    """
    buffer = bytearray(n_bytes)
    with memoryview(buffer) as view, open(fd, "rb", buffering=0, closefd=False) as file:
        n_read = 0
        while n_read < n_bytes and (n := file.readinto(view[n_read:])):
            n_read += n
    if n_read != n_bytes:
        raise ValueError(f"a buffer ends after {n_read} of {n_bytes} bytes")
    return buffer


def known_digest(view: memoryview) -> str | None:
    """The digest of a buffer that is a whole map of a file, and was never written to.

    None where it isn't, or where the system doesn't tell: then it has to be hashed.
    """
    if view.readonly or not _maps:
        return None
    address = ctypes.addressof(ctypes.c_char.from_buffer(view))
    n_bytes, digest = _maps.get(address, (0, ""))
    if n_bytes != view.nbytes or not _tells_writes(os.getpid()):
        return None
    return None if _was_written_to(address, n_bytes) else digest


def _mapped(fd: int, n_bytes: int, digest: str) -> memoryview:
    """By the C library: `mmap.mmap` keeps a descriptor for each map before Python 3.13."""
    protection, flags = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE
    address = _libc().mmap(None, n_bytes, protection, flags, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    memory = (ctypes.c_char * n_bytes).from_address(address)
    _maps[address] = n_bytes, digest
    # Whatever views the memory keeps `memory` alive; at exit the system unmaps it.
    weakref.finalize(memory, _unmap, address, n_bytes).atexit = False
    return memoryview(memory).cast("B")


def _unmap(address: int, n_bytes: int) -> None:
    del _maps[address]  # before another map can get the address
    _libc().munmap(address, n_bytes)


@cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    integer, size, pointer = ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p
    libc.mmap.restype = pointer
    libc.mmap.argtypes = (pointer, size, integer, integer, integer, ctypes.c_long)
    libc.munmap.argtypes = (pointer, size)
    return libc


def _was_written_to(address: int, n_bytes: int) -> bool:
    """Return True if a page of a private map is the process's own, and not its file's any more.

    Raises:
        OSError: the system has no page map.
    """
    n_pages = -(-n_bytes // mmap.PAGESIZE)
    fd = os.open("/proc/self/pagemap", os.O_RDONLY)
    try:
        entries = os.pread(fd, n_pages * 8, address // mmap.PAGESIZE * 8)
    finally:
        os.close(fd)
    if len(entries) != n_pages * 8:
        return True
    last = 7 if sys.byteorder == "little" else 0
    return any(
        bits & _IS_IN_MEMORY_OR_SWAP and not bits & _IS_PAGE_OF_A_FILE
        for bits in set(entries[last::8])
    )


@cache
def _tells_writes(pid: int) -> bool:  # noqa: ARG001  # asked once in each process
    """Return True if the page map tells what it should here: tried on a map of our own."""
    import tempfile  # with all that it loads, only for who passes a map on

    page = mmap.PAGESIZE
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(3 * page))
            file.flush()
            tried = _mapped(file.fileno(), 3 * page, "")
        address = ctypes.addressof(ctypes.c_char.from_buffer(tried))
        read = tried[0]  # the first page is read, the second written, the third left alone
        before = _was_written_to(address, 3 * page)
        tried[page] = read + 1
        pages = [_was_written_to(address + at * page, page) for at in range(3)]
        return not before and pages == [False, True, False]
    except OSError:
        return False
