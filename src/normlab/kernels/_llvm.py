"""What this processor's vectors are, and instructions on them in LLVM's own language."""

import platform
from typing import Any

from llvmlite import binding, ir

IS_X86 = platform.machine().lower() in ("x86_64", "amd64", "i686")

_features = binding.get_host_cpu_features()
HAS_AVX512 = bool(_features.get("avx512f"))

HAS_FMA = not IS_X86 or bool(_features.get("fma"))
"""Whether there is an instruction for a b + c. Without one LLVM would call a function each time."""

VECTOR_BYTES = 64 if HAS_AVX512 else 32 if IS_X86 and _features.get("avx") else 16

INDEX, PLACE = ir.IntType(64), ir.IntType(32)


def broadcast(builder: Any, value: Any, kind: Any) -> Any:
    """Write: a vector that has the value in all places."""
    nothing = ir.Constant(kind, ir.Undefined)
    once = builder.insert_element(nothing, value, INDEX(0))
    zeros = ir.Constant(ir.VectorType(PLACE, kind.count), None)
    return builder.shuffle_vector(once, nothing, zeros)


def mask(builder: Any, vector: Any, n: Any) -> Any:
    """Write: 1 for the first n places of such a vector, 0 for others."""
    places = ir.VectorType(INDEX, vector.count)
    numbers = ir.Constant(places, list(range(vector.count)))
    return builder.icmp_signed("<", numbers, broadcast(builder, n, places))


def masked_load(builder: Any, place: Any, n: Any) -> Any:
    """Write: the first n elements of a vector at an address, 0 behind them."""
    kind, chosen = place.type.pointee, mask(builder, place.type.pointee, n)
    form = ir.FunctionType(kind, [place.type, PLACE, chosen.type, kind])
    load = vector_function(builder, "masked.load", form, kind, ".p0")
    return builder.call(load, [place, alignment(kind), chosen, ir.Constant(kind, None)])


def masked_store(builder: Any, value: Any, place: Any, n: Any) -> None:
    """Write the first n elements of a vector to an address."""
    kind, chosen = value.type, mask(builder, value.type, n)
    form = ir.FunctionType(ir.VoidType(), [kind, place.type, PLACE, chosen.type])
    store = vector_function(builder, "masked.store", form, kind, ".p0")
    builder.call(store, [value, place, alignment(kind), chosen])


def alignment(vector: Any) -> Any:
    """Return that of one element: vectors begin anywhere."""
    return PLACE(VECTOR_BYTES // int(vector.count))


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Write a b + c, rounded once where the processor can do that."""
    if not HAS_FMA:
        return builder.fadd(builder.fmul(a, b), c)
    form = ir.FunctionType(c.type, [c.type] * 3)
    return builder.call(vector_function(builder, "fma", form, c.type), [a, b, c])


def vector_function(builder: Any, name: str, form: Any, vector: Any, tail: str = "") -> Any:
    """Return LLVM's function of this name for such vectors."""
    return function(
        builder, f"llvm.{name}.v{vector.count}{vector.element.intrinsic_name}{tail}", form
    )


def function(builder: Any, name: str, form: Any) -> Any:
    """Return LLVM's function of this name."""
    known = builder.module.globals.get(name)
    return ir.Function(builder.module, form, name) if known is None else known
