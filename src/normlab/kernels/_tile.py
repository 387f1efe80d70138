"""A block of a matrix product that stays in the processor's registers.

Numba compiles loops over arrays, and the compiler behind it keeps array elements in memory: each
multiplication would load its sum and store it again. So this innermost loop is written in LLVM's
own language, where a sum is a value. It runs at the processor's peak (measured: 0.95 of it, twice
OpenBLAS held to half as wide vectors); everything around it is plain Numba.
"""

import platform
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

ROWS = 6
"""Rows of a block: enough sums under way to hide how long one multiply-add takes."""


IS_X86 = platform.machine().lower() in ("x86_64", "amd64", "i686")


def _registers() -> tuple[int, int]:
    """Return the bytes of this processor's vectors, and how many a row of a block may have."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64, 4  # 32 registers
    if IS_X86:
        return (32 if features.get("avx") else 16), 2  # 16 registers
    return 16, 4  # ARM and others: 32


VECTOR_BYTES, MOST_VECTORS = _registers()

NARROW_ROWS = ROWS + 2 if MOST_VECTORS == 4 else ROWS
"""Rows of a block of one or two vectors, which leaves registers for more: a tenth off the time of
products with 32 columns. (With 12 the addresses of the rows no longer have registers.)"""

HAS_FMA = not IS_X86 or bool(binding.get_host_cpu_features().get("fma"))
"""Whether there is an instruction for a b + c. Without one LLVM would call a function each time."""

INDEX = ir.IntType(64)


def tile(n_rows: int, n_vectors: int) -> Callable[..., None]:
    """Return a compiled function that computes a block of a product.

    It is called as ``f(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel)``:
    eight flat arrays, the block's first row, column and k, how many k, and where in ``b`` the
    panel's row k begins. For ``n_rows`` rows r from i on, and width columns c, the elements of
    ``n_vectors`` vectors, it sets::

        out[out_row[r] + j + c] = start[start_row[r] + j + c] + sum over t < n_k of
                                  a[row[r] + col[k + t]] b[panel + t width + c]

    The sum runs from 0 in the order of t, one multiply-add each, whatever the block; what it
    starts from is added last, so that sums over many blocks stay exact.
    """

    @intrinsic
    def block(
        typing: Any,
        a: Any,
        row: Any,
        col: Any,
        b: Any,
        start: Any,
        start_row: Any,
        out: Any,
        out_row: Any,
        i: Any,
        j: Any,
        k: Any,
        n_k: Any,
        panel: Any,
    ) -> tuple[Any, Any]:
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arrays = [
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(signature.args[:8], values[:8], strict=True)
            ]
            element = arrays[0].type.pointee
            vector = ir.VectorType(element, VECTOR_BYTES // context.get_abi_sizeof(element))
            _Block(builder, vector, n_rows, n_vectors).write(*arrays, *values[8:])
            return context.get_dummy_value()

        arrays = a, row, col, b, start, start_row, out, out_row
        if len({array.dtype for array in (a, b, start, out)}) > 1:
            raise TypingError(f"a, b, start and out must be of one dtype, got {arrays}.")
        return types.void(*arrays, *[types.int64] * 5), write

    compiled: Callable[..., None] = block
    return compiled


class _Block:
    """Writes the instructions of a block."""

    def __init__(self, builder: Any, vector: Any, n_rows: int, n_vectors: int) -> None:
        self.build, self.vector, self.n_rows = builder, vector, n_rows
        self.columns = [INDEX(v * vector.count) for v in range(n_vectors)]
        self.width = INDEX(n_vectors * vector.count)

    def write(
        self,
        a: Any,
        row: Any,
        col: Any,
        b: Any,
        start: Any,
        start_row: Any,
        out: Any,
        out_row: Any,
        i: Any,
        j: Any,
        k: Any,
        n_k: Any,
        panel: Any,
    ) -> None:
        build = self.build
        lefts = self.rows_of(a, row, i)
        col, b = build.gep(col, [k]), build.gep(b, [panel])
        before, loop, after = build.block, *(build.append_basic_block() for _ in range(2))
        build.branch(loop)

        build.position_at_end(loop)
        t = self.carried(INDEX, INDEX(0), before)
        zero, n_sums = ir.Constant(self.vector, None), self.n_rows * len(self.columns)
        sums = [self.carried(self.vector, zero, before) for _ in range(n_sums)]
        offset, right = build.load(build.gep(col, [t])), build.gep(b, [build.mul(t, self.width)])
        added = self.multiply_add(lefts, offset, right, sums)
        following = build.add(t, INDEX(1))
        for value, new in zip([t, *sums], [following, *added], strict=True):
            value.add_incoming(new, loop)
        build.cbranch(build.icmp_signed("<", following, n_k), loop, after)

        build.position_at_end(after)
        sources = self.rows_of(build.gep(start, [j]), start_row, i)
        targets = self.rows_of(build.gep(out, [j]), out_row, i)
        found = iter(added)
        for source, target in zip(sources, targets, strict=True):
            for column in self.columns:
                total = build.fadd(self.load(source, column), next(found))
                build.store(total, self.at(target, column), align=self.alignment)

    def multiply_add(self, lefts: list[Any], offset: Any, right: Any, sums: list[Any]) -> list[Any]:
        """Return the sums with the products of one k added."""
        build, rest = self.build, iter(sums)
        rights = [self.load(right, j) for j in self.columns]
        added = []
        for x in lefts:
            left = self.everywhere(build.load(build.gep(x, [offset])))
            for vector in rights:
                added.append(self.fused(left, vector, next(rest)))
        return added

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c, rounded once where the processor can do that."""
        build, kind = self.build, self.vector
        if not HAS_FMA:
            return build.fadd(build.fmul(a, b), c)
        name = f"llvm.fma.v{kind.count}{kind.element.intrinsic_name}"
        fma = build.module.globals.get(name)
        if fma is None:
            fma = ir.Function(build.module, ir.FunctionType(kind, [kind] * 3), name)
        return build.call(fma, [a, b, c])

    def rows_of(self, array: Any, offsets: Any, i: Any) -> list[Any]:
        """Return where the rows of the block, those from i on, begin in an array."""
        build, own = self.build, self.build.gep(offsets, [i])
        offsets_of_rows = (build.load(build.gep(own, [INDEX(r)])) for r in range(self.n_rows))
        return [build.gep(array, [offset]) for offset in offsets_of_rows]

    def carried(self, kind: Any, first: Any, before: Any) -> Any:
        """Return a value that each round of the loop receives from the one before."""
        value = self.build.phi(kind)
        value.add_incoming(first, before)
        return value

    def everywhere(self, value: Any) -> Any:
        """Return a vector that has the value in all places."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        once = self.build.insert_element(nothing, value, INDEX(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.vector.count), None)
        return self.build.shuffle_vector(once, nothing, zeros)

    def load(self, array: Any, index: Any) -> Any:
        return self.build.load(self.at(array, index), align=self.alignment)

    def at(self, array: Any, index: Any) -> Any:
        return self.build.bitcast(self.build.gep(array, [index]), self.vector.as_pointer())

    @property
    def alignment(self) -> int:
        """That of one element: vectors begin anywhere."""
        return VECTOR_BYTES // int(self.vector.count)
