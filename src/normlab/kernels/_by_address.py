"""Compiled code and arrays that are found by their address.

What compiled code calls by name becomes a part of it, and is optimized again in each caller. What
it calls by address is compiled once, wherever it is called from; and arrays by address may be any
number, where Numba compiles for one number of arguments at a time.

Nothing checks what lies at an address: whoever passes one keeps the array alive.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import carray, types  # type: ignore[attr-defined]  # which Numba does not state

from normlab._typing import FloatArray
from normlab.kernels._compile import merged
from normlab.kernels._team import instructions


def code_of(kernel: Callable[..., None], *arguments: Any) -> int:
    """Return where the code of a compiled kernel is, for arguments of these Numba types."""
    dispatcher: Any = kernel
    n_named = dispatcher.py_func.__code__.co_argcount
    if n_named < len(arguments):  # the others are a tuple, as of shared_out
        rest: Any = types.BaseTuple
        arguments = (*arguments[:n_named], rest.from_types(arguments[n_named:]))
    dispatcher.compile(arguments)
    found = dispatcher.overloads[arguments]
    address: int = found.library.get_pointer_to_function(found.fndesc.llvm_func_name)
    return address


@instructions
def call(typing: Any, code: Any, arguments: Any) -> tuple[Any, Any]:
    """Call the code at an address; ``arguments`` are a tuple, of the types it was compiled for."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention, kinds = context.call_conv, signature.args[1].types
        form = convention.get_function_type(types.none, kinds)
        callee = builder.inttoptr(values[0], form.as_pointer())
        own = [builder.extract_value(values[1], i) for i in range(len(kinds))]
        status, _ = convention.call_function(builder, callee, types.none, kinds, own)
        with builder.if_then(status.is_error, likely=False):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), write


@merged
def vector(address: int, n: int, like: Any) -> Any:
    """Return the array ``(n,)`` at an address, of the dtype of ``like``, or the dtype that it is.

    Nothing looks at ``n`` but what asks for the size.
    """
    found: Any = carray(_pointer(address, like), (n,))
    return found


@merged
def rows(address: int, n: int, n_features: int, like: FloatArray) -> FloatArray:
    """Return the array ``(n, n_features)`` at an address, of the dtype of ``like``."""
    found: FloatArray = carray(_pointer(address, like), (n, n_features))
    return found


@instructions
def address_of(typing: Any, array: Any) -> tuple[Any, Any]:
    """Return where the elements of an array are."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        return builder.ptrtoint(data, ir.IntType(64))

    return types.int64(array), write


@instructions
def data_of(typing: Any, array_id: Any) -> tuple[Any, Any]:
    """Return where the elements of a NumPy array are, from its id.

    As in C: the struct of an array begins with what all objects have; then comes this address. To
    ask for it in Python takes a microsecond.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = builder.add(values[0], ir.IntType(64)(object.__basicsize__))
        return builder.load(builder.inttoptr(place, ir.IntType(64).as_pointer()))

    return types.int64(types.int64), write


@instructions
def _pointer(typing: Any, address: Any, like: Any) -> tuple[Any, Any]:
    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    # (Numba states no types here.)
    pointer: Any = types.CPointer(like.dtype)  # type: ignore[no-untyped-call]
    return pointer(types.int64, like), write
