"""How kernels are compiled.

No fast-math flag is on. ``nnan`` and ``ninf`` would assume away the NaN and infinity that a
laboratory must record; ``reassoc`` would undo the subtraction of a pivot that makes the moments
exact. ``contract`` leaves it to the compiler where a multiplication and an addition become one,
with one rounding less: on some processors a kernel just compiled then differs in last digits from
the same one out of the cache. It bought no time that could be measured.

Compiled kernels lie in ``__pycache__`` and are compiled again when any file of this folder changes,
for they hold code of each other. (Numba itself looks at a kernel's own file only.)
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

FLAGS: dict[str, Any] = {
    "error_model": "numpy",
    "nogil": True,
}

UNWRAPPED: dict[str, Any] = FLAGS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For what Python does not call."""

SOURCES = tuple(
    (file.name, file.stat().st_mtime_ns, file.stat().st_size)
    for file in sorted(Path(__file__).parent.glob("*.py"))
)
"""What all kernels are made from."""


def compiled(function: F, *, merge: bool = False, python: bool = True) -> F:
    """Compile a kernel. It runs on one thread, and lets others run beside it.

    With ``merge``, compiled code that calls it has it ``merged``; without ``python``, nothing but
    compiled code can call it.
    """
    kernel: Any
    options = (FLAGS if python else UNWRAPPED) | {"inline": "always" if merge else "never"}
    try:
        kernel = numba.njit(cache=True, **options)(function)
        with suppress(AttributeError):  # Numba's own name, which another version may not have
            kept = kernel._cache._cache_file
            kept._source_stamp = kept._source_stamp, SOURCES
    except RuntimeError:
        # No folder can be written: compile again in each process rather than not at all.
        kernel = numba.njit(**options)(function)
    return cast(F, kernel)


def merged(function: F) -> F:
    """Make what only compiled code calls a part of each caller, before anything is compiled.

    Each function that is compiled by itself is optimized again in every function that calls it, and
    in their callers.
    """
    part: F = numba.njit(inline="always", **FLAGS)(function)
    return part


def compiled_within(function: F) -> F:
    """Compile what only compiled code calls."""
    part: F = numba.njit(**UNWRAPPED)(function)
    return part


def by_address(function: F) -> F:
    """Compile what only compiled code calls, but by its address: see ``_by_address``."""
    return compiled(function, python=False)
