"""Work shared out among the threads of a team, inside compiled code.

``shared_out`` makes of a kernel that works on a range of items one that a whole team works on. To
begin and to end together costs the team a microsecond, where Python threads sleep, wake each other
and wait for the GIL: some 100 microseconds. (Numba's own parallel loops end the process where it
has forked, or where two threads call them at once.)

A team is an array of numbers in which its threads find each other. The leader, which is whoever
calls a kernel, puts down where the work is and opens it. Helpers watch for that and join. Each
thread takes shares of its own part of the items, the same part of every work, so that what one
kernel has left in a processor's cache the next one finds there; then shares that other threads have
not come to. When none is left, the leader closes the work, waits until no helper is inside any
more, and returns.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from normlab._typing import IntArray
from normlab.kernels._compile import compiled, compiled_within, merged

LINE = 16
"""Numbers between those that different threads change: no two lie in one line of the cache."""

OPEN, INSIDE, HELPERS, NEXT = 0, LINE, 2 * LINE, 3 * LINE
"""Which work is open, counted from 1, or 0; how many helpers are inside; how many may join; and the
first item of each thread's part that nobody has taken, a line a thread."""

LEFT = NEXT + 1
"""Whether a helper has left, in its thread's line."""

NUMBER, CODE, ARGUMENTS, N_ITEMS, SHARE, FAILED, READY = range(HELPERS + 1, HELPERS + 8)
"""The work: its number, the address of its code and of the arguments, how many items there are and
how many a thread takes at a time; whether memory ran out. And how many helpers are there."""

FEWEST_ELEMENTS = 2**15
"""Elements for each thread, at least: some 10 microseconds of work."""

INTEGER = ir.IntType(64)
RANGE_CODE = ir.FunctionType(INTEGER, [INTEGER] * 3)
"""``code(arguments, first, stop)`` works on a range of items and returns 1 where that failed."""

SHARES_A_THREAD = 8
"""Shares that a thread's part is taken in, so that none waits long for one that is held up."""

own_kernel: Any = None
"""In the globals of each function that ``shared_out`` makes: the kernel it shares out."""


def instructions(write: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """Let compiled code call what ``write`` writes in LLVM's own language."""
    function: Callable[..., Any] = intrinsic(write)
    return function


def new_team(most_threads: int) -> IntArray:
    """Return a team of a leader that has no helpers yet, and room for so many threads."""
    return np.zeros(NEXT + most_threads * LINE, np.int64)


def shared_out(kernel: Callable[..., None]) -> Callable[..., None]:
    """Compile ``kernel(*arguments, first, stop)`` for ``f(team, n, *arguments)``: ``share_out``."""

    def lead(team: IntArray, n: int, *arguments: Any) -> None:
        share_out(team, n, own_kernel, arguments)

    # As if it were written where the kernel is: Numba keeps compiled code by file, line and name.
    place = kernel.__code__
    code = lead.__code__.replace(
        co_filename=place.co_filename,
        co_firstlineno=place.co_firstlineno,
        co_name=place.co_name,
    )
    names = {
        "__name__": kernel.__module__,
        "share_out": share_out,
        "own_kernel": compiled_within(kernel),
    }
    written = FunctionType(code, names, kernel.__name__)
    written.__qualname__, written.__doc__ = kernel.__qualname__, kernel.__doc__
    return compiled(written)


@compiled
def help_out(team: IntArray, me: int, patience: int, most_works: int) -> None:
    """Help a team with its work, as thread ``me``, counted from 1, until none comes for a while.

    Leaves after looking ``patience`` times in vain, or after ``most_works`` pieces of work.
    """
    done, left, n_works = 0, patience, 0
    while left > 0 and n_works < most_works:
        number = _load(team, OPEN)
        if number in (0, done) or me > team[HELPERS]:
            left -= 1 if _idle(number) > 0 else patience
            continue
        _add(team, INSIDE, 1)
        # Before the leader saw us inside, it may have closed that work, and opened the next.
        number = _load(team, OPEN)
        if number not in (0, done):
            _take_shares(team, me)
        _add(team, INSIDE, -1)
        done, left, n_works = number, patience, n_works + 1
    _store(team, LEFT + me * LINE, 1)


@compiled_within
def _idle(number: int) -> float:
    # So that the other thread of this core gets nearly all of it. (The processor's own "pause"
    # makes a virtual machine lose its turn.)
    value = number + 3.0
    for _ in range(8):
        value = 1 / value
    return value  # which is always positive, but LLVM does not see that


@merged
def share_out(team: IntArray, n: int, kernel: Any, arguments: Any) -> None:
    """Call a kernel, in compiled code, on all threads of the team.

    The kernel is a function of ``compiled_within``, which is compiled again in each caller, or the
    address of one of ``by_address``. It is called as ``kernel(*arguments, first, stop)`` for ranges
    that together are range(n). It must raise nothing but ``MemoryError``, which is raised here,
    whatever it was.
    """
    # Merged: as a value, the kernel has an address that changes, and nothing would be kept.
    code, place = _outlined(kernel, arguments)
    failed = _lead(team, code, place, n)
    _keep(arguments)
    if failed:
        raise MemoryError


@compiled_within
def fit(team: IntArray, size: int) -> None:
    """Let as many helpers join the next works as one of this size is worth, in elements."""
    team[HELPERS] = max(0, min(team[READY], size // FEWEST_ELEMENTS - 1))


@compiled_within
def _lead(team: IntArray, code: int, place: int, n: int) -> bool:
    """Have all items worked on, and return whether that failed."""
    n_threads = team[HELPERS] + 1
    if n_threads == 1 or n <= 1:
        return bool(_call(code, place, 0, n))
    team[CODE], team[ARGUMENTS], team[N_ITEMS] = code, place, n
    team[SHARE] = max(1, n // (SHARES_A_THREAD * n_threads))
    team[FAILED] = 0
    for thread in range(n_threads):
        team[NEXT + thread * LINE] = thread * n // n_threads
    team[NUMBER] += 1
    _store(team, OPEN, team[NUMBER])
    _take_shares(team, 0)
    _store(team, OPEN, 0)
    while _load(team, INSIDE) > 0:
        pass
    return bool(_load(team, FAILED))


@compiled_within
def _take_shares(team: IntArray, me: int) -> None:
    code, place, n, share = team[CODE], team[ARGUMENTS], team[N_ITEMS], team[SHARE]
    n_threads = team[HELPERS] + 1
    for turn in range(n_threads):
        part = (me + turn) % n_threads
        next_item, end = NEXT + part * LINE, (part + 1) * n // n_threads
        first = _add(team, next_item, share)
        while first < end:
            if _call(code, place, first, min(end, first + share)):
                _store(team, FAILED, 1)
            first = _add(team, next_item, share)


@instructions
def _outlined(typing: Any, kernel: Any, arguments: Any) -> tuple[Any, Any]:
    """Return the address of a kernel's ``RANGE_CODE`` and that of its arguments.

    The arguments lie on the caller's stack: they are there until it returns.
    """
    kinds = (*arguments.types, types.int64, types.int64)
    call = kernel.get_call_type(typing, kinds, {}) if isinstance(kernel, types.Dispatcher) else None

    def find(context: Any, inside: Any, address: Any) -> tuple[Any, Any]:
        if call is None:
            form = context.call_conv.get_function_type(types.none, kinds)
            return inside.inttoptr(address, form.as_pointer()), kinds
        result = kernel.dispatcher.get_compile_result(call)
        context.active_code_library.add_linking_library(result.library)
        return context.declare_function(inside.module, result.fndesc), result.signature.args

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        name = builder.module.get_unique_name("range_code")
        code = ir.Function(builder.module, RANGE_CODE, name)
        code.linkage = "internal"
        inside = ir.IRBuilder(code.append_basic_block())
        place, first, stop = code.args
        # (Numba states no types here and below, hence the "ignore".)
        address = values[0] if call is None else INTEGER(0)
        both = cgutils.pack_struct(builder, [address, values[1]])  # type: ignore[no-untyped-call]
        loaded = inside.load(inside.inttoptr(place, both.type.as_pointer()))
        address, pack = (inside.extract_value(loaded, i) for i in range(2))
        unpacked = [inside.extract_value(pack, i) for i in range(len(arguments.types))]
        callee, own_kinds = find(context, inside, address)
        status, _ = context.call_conv.call_function(
            inside, callee, types.none, own_kinds, [*unpacked, first, stop], attrs=("noinline",)
        )
        inside.ret(inside.zext(status.is_error, INTEGER))
        own_place = cgutils.alloca_once_value(builder, both)  # type: ignore[no-untyped-call]
        addresses = [builder.ptrtoint(pointer, INTEGER) for pointer in (code, own_place)]
        return context.make_tuple(builder, signature.return_type, addresses)

    pair: Any = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
    return pair(kernel, arguments), write


@instructions
def _keep(typing: Any, arguments: Any) -> tuple[Any, Any]:
    """Do nothing: only after their last use would arrays be freed that nobody else refers to."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.get_dummy_value()

    return types.void(arguments), write


@instructions
def _call(typing: Any, code: Any, place: Any, first: Any, stop: Any) -> tuple[Any, Any]:
    """Call the code at an address."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.call(builder.inttoptr(values[0], RANGE_CODE.as_pointer()), values[1:])

    return types.int64(*[types.int64] * 4), write


@instructions
def _load(typing: Any, team: Any, i: Any) -> tuple[Any, Any]:
    """Return a number of the team, in the order that all threads agree on."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_at(context, builder, signature, values), "seq_cst", 8)

    return types.int64(team, types.int64), write


@instructions
def _store(typing: Any, team: Any, i: Any, value: Any) -> tuple[Any, Any]:
    """Set a number of the team."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _at(context, builder, signature, values)
        builder.store_atomic(values[2], place, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(team, types.int64, types.int64), write


@instructions
def _add(typing: Any, team: Any, i: Any, value: Any) -> tuple[Any, Any]:
    """Add to a number of the team, and return what it was."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _at(context, builder, signature, values)
        return builder.atomic_rmw("add", place, values[2], "seq_cst")

    return types.int64(team, types.int64, types.int64), write


def _at(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    numbers = context.make_array(signature.args[0])(context, builder, values[0]).data
    return builder.gep(numbers, [values[1]])
