"""The processor's vectors as values of compiled code.

LLVM makes vectors of plain loops by itself, but then checks before each inner loop which arrays
overlap, and computes what is behind the last whole vector one by one. On rows of 100 features that
took longer than all else: written in vectors, normalization of 100 such rows takes two thirds of
the time.

A vector has as many elements as the processor takes at once: ``VECTOR_BYTES // array.itemsize``.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

from normlab.kernels._llvm import (
    HAS_AVX512,
    INDEX,
    PLACE,
    VECTOR_BYTES,
    broadcast,
    function,
    masked_load,
    masked_store,
    vector_function,
)
from normlab.kernels._team import instructions


class Vector(types.Type):
    """The type of a vector."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        element = manager.lookup(kind.dtype).get_value_type()
        vector = ir.VectorType(element, VECTOR_BYTES // _size(kind.dtype))
        # (Numba states no types, here and below.)
        super().__init__(manager, kind, vector)  # type: ignore[no-untyped-call]


def _size(dtype: Any) -> int:
    return int(dtype.bitwidth) // 8


def _let_compute(symbol: Callable[..., Any], name: str) -> None:
    """Let compiled code apply an operator to two vectors of one dtype."""

    class Typed(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            if isinstance(arguments[0], Vector) and arguments[0] == arguments[1]:
                return signature(arguments[0], *arguments)  # type: ignore[no-untyped-call]
            return None

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, name)(*values)

    infer_global(symbol)(Typed)  # type: ignore[no-untyped-call]
    lower_builtin(symbol, Vector, Vector)(write)  # type: ignore[no-untyped-call]


_OPERATORS = operator.add, operator.sub, operator.mul, operator.and_
for _symbol, _name in zip(_OPERATORS, ("fadd", "fsub", "fmul", "and_"), strict=True):
    _let_compute(_symbol, _name)


@instructions
def load(typing: Any, array: Any, at: Any, n: Any) -> tuple[Any, Any]:
    """Return the vector at an index of a flat array; 0 behind n elements, if they are fewer."""
    kind = Vector(array.dtype)

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector, place = context.get_value_type(kind), _place(context, builder, signature, values)
        with builder.if_else(_is_whole(builder, vector, values[2])) as (whole, part):
            with whole:
                loaded, from_whole = builder.load(place, align=_size(kind.dtype)), builder.block
            with part:
                masked, from_part = masked_load(builder, place, values[2]), builder.block
        found = builder.phi(vector)
        found.add_incoming(loaded, from_whole)
        found.add_incoming(masked, from_part)
        return found

    return kind(array, types.int64, types.int64), write


@instructions
def prefetch(typing: Any, array: Any, at: Any) -> tuple[Any, Any]:
    """Have what is at an index of a flat array, or behind its end, in the second-level cache."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        place = builder.bitcast(builder.gep(data, [values[1]]), ir.IntType(8).as_pointer())
        to_read, second_level, of_data = PLACE(0), PLACE(2), PLACE(1)
        form = ir.FunctionType(ir.VoidType(), [place.type, PLACE, PLACE, PLACE])
        builder.call(
            function(builder, "llvm.prefetch.p0", form), [place, to_read, second_level, of_data]
        )
        return context.get_dummy_value()

    return types.void(array, types.int64), write


@instructions
def bits_other_than_0(typing: Any, value: Any) -> tuple[Any, Any]:
    """Return a number with a bit for each element, the first one lowest: 1 where it is not 0."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector, is_float = values[0].type, isinstance(value.dtype, types.Float)
        compare = builder.fcmp_unordered if is_float else builder.icmp_unsigned
        chosen = compare("!=", values[0], ir.Constant(vector, None))
        bits = builder.bitcast(chosen, ir.IntType(vector.count))
        return bits if vector.count == 64 else builder.zext(bits, INDEX)

    return types.int64(value), write


@instructions
def n_bits(typing: Any, number: Any) -> tuple[Any, Any]:
    """Return how many bits of a number are 1."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.int64(types.int64), write


@instructions
def store_places(typing: Any, array: Any, at: Any, bits: Any, first: Any) -> tuple[Any, Any]:
    """Write first + i for each bit i of a number that is 1, and return the index behind them.

    What is behind them, up to where there are 64 in all, is written too.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        number, (_, at, bits, first) = data.type.pointee, values
        if not HAS_AVX512:
            first = builder.trunc(first, number)
            for i in range(64):
                builder.store(builder.add(first, number(i)), builder.gep(data, [at]))
                at = builder.add(at, builder.and_(builder.lshr(bits, INDEX(i)), INDEX(1)))
            return at
        vector, part = ir.VectorType(PLACE, 16), ir.IntType(16)
        form = ir.FunctionType(vector, [vector, vector, ir.VectorType(ir.IntType(1), 16)])
        compress = vector_function(builder, "x86.avx512.mask.compress", form, vector)
        count = builder.module.declare_intrinsic("llvm.ctpop", [INDEX])
        firsts = broadcast(builder, builder.trunc(first, PLACE), vector)
        nothing = ir.Constant(vector, None)
        kept = ir.VectorType(number, 16)
        for i in range(0, 64, 16):
            own = builder.trunc(builder.lshr(bits, INDEX(i)), part)
            places = builder.add(firsts, ir.Constant(vector, list(range(i, i + 16))))
            found = builder.call(compress, [places, nothing, builder.bitcast(own, form.args[2])])
            place = builder.bitcast(builder.gep(data, [at]), kept.as_pointer())
            builder.store(builder.trunc(found, kept), place, align=2)
            at = builder.add(at, builder.call(count, [builder.zext(own, INDEX)]))
        return at

    return types.int64(array, *[types.int64] * 3), write


@instructions
def store(typing: Any, array: Any, at: Any, n: Any, value: Any) -> tuple[Any, Any]:
    """Write a vector, or its first n elements, if they are fewer."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = _place(context, builder, signature, values)
        with builder.if_else(_is_whole(builder, values[3].type, values[2])) as (whole, part):
            with whole:
                builder.store(values[3], place, align=_size(value.dtype))
            with part:
                masked_store(builder, values[3], place, values[2])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, value), write


@instructions
def everywhere(typing: Any, number: Any, like: Any) -> tuple[Any, Any]:
    """Return a vector with this number in all places, of the type of another."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return broadcast(builder, values[0], values[1].type)

    return like(like.dtype, like), write


@instructions
def choose(typing: Any, y: Any, floor: Any, above: Any, otherwise: Any) -> tuple[Any, Any]:
    """Return ``above`` where y > floor or one of them is NaN, ``otherwise`` elsewhere."""

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        is_above = builder.fcmp_unordered(">", values[0], values[1])
        return builder.select(is_above, values[2], values[3])

    return y(y, y, y, y), write


@instructions
def store_transposed(
    typing: Any, source: Any, at: Any, stride: Any, n: Any, target: Any, to: Any, width: Any
) -> tuple[Any, Any]:
    """Write the transpose of a square: vectors that begin ``stride`` apart, from ``at`` on.

    Those of the transpose begin ``width`` apart, from ``to`` on. Where there are only n vectors,
    at least one, the last is repeated.
    """

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind, (_, at, stride, n, _, to, width) = signature.args[0], values
        vector = context.get_value_type(Vector(kind.dtype))
        data = [context.make_array(kind)(context, builder, values[i]).data for i in (0, 4)]
        found = []
        for i in range(vector.count):
            exists = builder.icmp_signed("<", INDEX(i), n)
            row = builder.select(exists, INDEX(i), builder.sub(n, INDEX(1)))
            place = builder.gep(data[0], [builder.add(at, builder.mul(row, stride))])
            place = builder.bitcast(place, vector.as_pointer())
            found.append(builder.load(place, align=_size(kind.dtype)))
        half = vector.count // 2
        low = [i // 2 + i % 2 * vector.count for i in range(vector.count)]
        low, high = (
            ir.Constant(ir.VectorType(PLACE, vector.count), [i + shift for i in low])
            for shift in (0, half)
        )
        rounds = vector.count.bit_length() - 1
        for _ in range(rounds):
            pairs = list(zip(found[:half], found[half:], strict=True))
            found = [
                builder.shuffle_vector(*pair, which) for pair in pairs for which in (low, high)
            ]
        for i, value in enumerate(found):
            place = builder.gep(data[1], [builder.add(to, builder.mul(INDEX(i), width))])
            builder.store(
                value, builder.bitcast(place, vector.as_pointer()), align=_size(kind.dtype)
            )
        return context.get_dummy_value()

    number = types.int64
    return types.void(source, number, number, number, target, number, number), write


def _place(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Return the address of the vector at an index of an array, the first two arguments."""
    kind = signature.args[0]
    data = context.make_array(kind)(context, builder, values[0]).data
    vector = context.get_value_type(Vector(kind.dtype))
    return builder.bitcast(builder.gep(data, [values[1]]), vector.as_pointer())


def _is_whole(builder: Any, vector: Any, n: Any) -> Any:
    return builder.icmp_signed(">=", n, INDEX(vector.count))
