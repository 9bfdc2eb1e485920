"""The system calls that the sandbox refuses, as a seccomp filter for ``bwrap --seccomp``.

Three kinds are refused with "function not implemented", on which programs fall back:

- memory that belongs to no process and so passes unseen: ``memfd_create``, ``memfd_secret``, System V shared memory and
  message queues, ``io_uring``;
- new namespaces, in which a program could mount file systems in memory;
- sockets of other families than UNIX, IPv4, IPv6 and netlink: ``AF_VSOCK`` leads out of a virtual machine past the
  network namespace.
"""

from __future__ import annotations

import platform
import struct

#: Numbers by architecture: its audit number, what is refused whatever its arguments, clone, socket (Linux uapi).
_CALLS = {
    "x86_64": (0xC000003E, (319, 447, 29, 68, 425, 272, 308, 435), 56, 41),
    "aarch64": (0xC00000B7, (279, 447, 194, 186, 425, 97, 268, 435), 220, 198),
}
#: CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID and -NET.
_NEW_NAMESPACES = 0x7E020000
_FAMILIES = (1, 2, 10, 16)
_ENOSYS = 38
#: Above this number the x86-64 table holds the same calls for 32-bit pointers.
_X32 = 0x40000000
#: Classic BPF (linux/filter.h): load a word, jump where equal, greater or equal, or with common bits; return.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | _ENOSYS, 0x80000000
#: Offsets in struct seccomp_data: number of the call, architecture, first argument.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16


def is_known() -> bool:
    """Whether there is a filter for this machine's processor."""
    return platform.machine() in _CALLS


def seccomp_filter() -> bytes:
    """The filter for this machine: instructions of 8 bytes, as the kernel takes them."""
    architecture, refused, clone, socket = _CALLS[platform.machine()]
    code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    code += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE)]
    for number in refused:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    code += [(_EQUAL, 0, 4, clone), (_LOAD, 0, 0, _ARGUMENT), (_ANY_BIT, 0, 1, _NEW_NAMESPACES)]
    code += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    code += [(_EQUAL, 0, 2 + len(_FAMILIES), socket), (_LOAD, 0, 0, _ARGUMENT)]
    code += [(_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    code += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
