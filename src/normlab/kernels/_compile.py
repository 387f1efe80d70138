"""How kernels are compiled.

No fast-math flag is on. ``nnan`` and ``ninf`` would assume away the NaN and infinity that a
laboratory must record; ``reassoc`` would undo the subtraction of a pivot that makes the moments
exact. ``contract`` leaves it to the compiler where a multiplication and an addition become one,
with one rounding less: on some processors a kernel just compiled then differs in last digits from
the same one out of the cache. It bought no time that could be measured.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime import rtsys  # type: ignore[attr-defined]  # not listed

from normlab.kernels._llvm import HAS_AVX512, HAS_FMA, VECTOR_BYTES

F = TypeVar("F", bound=Callable[..., Any])

FLAGS: dict[str, Any] = {
    "error_model": "numpy",
    "nogil": True,
}

UNWRAPPED: dict[str, Any] = FLAGS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For what Python does not call."""


def digest(folder: Path) -> str:
    """Return what changes with any of the folder's Python files."""
    files = sorted(folder.glob("*.py"))
    return sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()


MADE_FROM = digest(Path(__file__).parent), VECTOR_BYTES, HAS_AVX512, HAS_FMA
"""What all kernels are made from: these files, and what they ask of the processor."""


class KernelFiles(IndexDataCacheFile):
    """The files of a kernel: an index, and one a combination of types, which says what it holds.

    (Numba writes index and data one after the other and takes their names again: where another
    process came between, or the disk was full, an index names what it does not mean.)
    """

    def save(self, key: Any, data: Any) -> None:
        """Keep what was compiled for a key."""
        # (Numba states no types, here and below.)
        super().save(key, (*self._made_from(key), data))  # type: ignore[no-untyped-call]

    def load(self, key: Any) -> Any:
        """Return what was compiled for a key, or None."""
        found = super().load(key)  # type: ignore[no-untyped-call]
        return found[-1] if found is not None and found[:-1] == self._made_from(key) else None

    def _made_from(self, key: Any) -> tuple[Any, ...]:
        return self._version, self._source_stamp, key


class KernelCache(FunctionCache):
    """What has been compiled of a kernel, on disk: in ``__pycache__``, where that can be written.

    It is compiled again when any file of this folder changes, for kernels hold code of each other.
    (Numba itself looks at a kernel's own file only.) Where the disk is full, or files were left
    empty by a crash, it is compiled in each process rather than not at all.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        stamp = self._impl.locator.get_source_stamp(), MADE_FROM
        self._cache_file = KernelFiles(self._cache_path, self._impl.filename_base, stamp)  # type: ignore[no-untyped-call]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for these types, or None."""
        # Numba's would load all that it can compile, a fifth of a second, and SciPy's BLAS with it.
        rtsys.initialize(target_context)  # what compiled code calls
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]

    @contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        # Within this Numba reads and writes: where it ends early, nothing was found, or is kept.
        try:
            yield
        except OSError:
            pass
        except Exception:  # of any kind, where a file holds something else: forget all of them
            with suppress(OSError):
                self.flush()  # type: ignore[no-untyped-call]


def compiled(function: F, *, merge: bool = False, python: bool = True) -> F:
    """Compile a kernel. It runs on one thread, and lets others run beside it.

    With ``merge``, compiled code that calls it has it ``merged``; without ``python``, nothing but
    compiled code can call it.
    """
    options = (FLAGS if python else UNWRAPPED) | {"inline": "always" if merge else "never"}
    kernel: Any = numba.njit(**options)(function)
    with suppress(RuntimeError):  # no folder can be written
        kernel._cache = KernelCache(function)
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
