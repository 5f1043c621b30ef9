"""Decides who could have written a file or folder, from what `stat` says of it.

Apart from the folder, which walks and opens: these are the shelf's only opinions about others.
Unpickling runs code, so what somebody else could have written is refused.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

from linepipe_core._errors import ShelfTrustError

if sys.platform != "win32":
    import grp
    import pwd

HAS_OWNERS: Final = hasattr(os, "geteuid")  # Windows has none in `stat`


def writers_problem(found: os.stat_result) -> str | None:
    """Say why others may change what lies in this folder; None if only you and root may.

    A sticky folder lets everybody add to it, but nobody rename or remove another's; its owner
    may, so a stranger's is a problem all the same.
    """
    if not HAS_OWNERS:
        return None
    if not is_trusted_owner(found.st_uid):
        return f"user {found.st_uid} owns it"
    if found.st_mode & stat.S_ISVTX:
        return None
    if found.st_mode & stat.S_IWOTH:
        return "everybody may write it"
    if found.st_mode & stat.S_IWGRP and not is_private_group(found.st_gid):
        return f"the members of group {found.st_gid} may write it"
    return None


def is_trusted_owner(uid: int) -> bool:
    """Return True if it is you or root, who can do anything in any case."""
    return uid in (0, os.geteuid()) or _is_outside_namespace(uid)


def is_private_group(gid: int) -> bool:
    """Return True if the group is yours alone, as where umask 002 gives each user a group."""
    if sys.platform == "win32":
        return False
    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    is_own = user.pw_gid == gid and group.gr_name == user.pw_name
    return is_own and set(group.gr_mem) <= {user.pw_name}


def _is_outside_namespace(uid: int) -> bool:
    """Return True if it stands for all the owners outside a user namespace (rootless docker)."""
    if sys.platform != "linux":
        return False
    try:
        with open("/proc/sys/kernel/overflowuid") as file:
            overflow = int(file.read())
        with open("/proc/self/uid_map") as file:
            ranges = [tuple(map(int, line.split())) for line in file]
    except (OSError, ValueError):
        return False
    return uid == overflow and not any(first <= uid < first + n for first, _, n in ranges)


def own_problem(found: os.stat_result, forbidden: int) -> str | None:
    """Say why a file or folder of the shelf isn't yours alone; None if it is.

    Args:
        found: what `stat` says of it.
        forbidden: the mode bits that it may not have.
    """
    if not HAS_OWNERS:
        return None
    if found.st_uid != os.geteuid():
        return f"user {found.st_uid} owns it and you are user {os.geteuid()}"
    if found.st_mode & forbidden:
        return f"its mode is {stat.S_IMODE(found.st_mode):04o}, so others may use it"
    return None


def distrust(path: str, problem: str, mend: str) -> ShelfTrustError:
    """The error for what others could have written."""
    return ShelfTrustError(
        f"{path} isn't trusted: {problem}, and reading a shelf runs code that lies in it\n  {mend}",
        path,
    )
