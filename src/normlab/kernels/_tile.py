"""A block of a matrix product that stays in the processor's registers.

Numba compiles loops over arrays, and the compiler behind it keeps array elements in memory: each
multiplication would load its sum and store it again. So this innermost loop is written in LLVM's
own language, where a sum is a value. It runs at the processor's peak (measured: 0.95 of it, twice
OpenBLAS held to half as wide vectors); everything around it is plain Numba.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from normlab.kernels._llvm import (
    HAS_AVX512,
    INDEX,
    IS_X86,
    VECTOR_BYTES,
    broadcast,
    fused,
    masked_load,
    masked_store,
)

ROWS = 6
"""Rows of a block: enough sums under way to hide how long one multiply-add takes."""

MOST_VECTORS = 2 if IS_X86 and not HAS_AVX512 else 4
"""Vectors of a row of a block, at most: there are 16 registers, or 32."""

NARROW_ROWS = ROWS + 2 if MOST_VECTORS == 4 else ROWS
"""Rows of a block of one or two vectors, which leaves registers for more: a tenth off the time of
products with 32 columns on a Cascade Lake. (With 12 the addresses of the rows no longer have
registers.)"""


def tile(*n_rows: int, picked: bool = False) -> Callable[..., None]:
    """Return a compiled function that computes a block of a product.

    It is called as ``f(a, row, col, b, start, start_row, out, out_row, picks, i, j, k, n_k, panel,
    n, n_vectors)``: nine flat arrays, the block's first row, column and k, how many k, where in
    ``b`` the panel's row k begins, and how many columns and vectors there are. For rows r from i
    on, as many as ``n_rows`` says for one vector, for two and so on, and columns c < n, it sets::

        out[out_row[r] + j + c] = start[start_row[r] + j + c] + sum over t < n_k of
                                  a[row[r] + col[k + t]] b[panel + t width + c]

    ``picked``, the sum has other terms, or none: instead of k + t and t stands picks[k + t].

    The width of the panel is that of its vectors, of which columns need all, if not the whole of
    the last. Where ``a`` has bytes, they stand for as many 255ths.

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
        picks: Any,
        i: Any,
        j: Any,
        k: Any,
        n_k: Any,
        panel: Any,
        n: Any,
        n_vectors: Any,
    ) -> tuple[Any, Any]:
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arrays = _elements(context, builder, signature.args[:9], values)
            element, (*place, n_vectors) = arrays[3].type.pointee, values[9:]
            size = context.get_abi_sizeof(element)
            for i in range(MOST_VECTORS):
                with builder.if_then(builder.icmp_signed("==", n_vectors, INDEX(i + 1))):
                    own = _Block(builder, element, size, n_rows[i], i + 1, picked=picked)
                    own.write(arrays, place)
            return context.get_dummy_value()

        arrays = a, row, col, b, start, start_row, out, out_row, picks
        if len({array.dtype for array in (b, start, out)} | ({a.dtype} - {types.uint8})) > 1:
            raise TypingError(f"a, b, start and out must be of one dtype, got {arrays}.")
        return types.void(*arrays, *[types.int64] * 7), write

    compiled: Callable[..., None] = block
    return compiled


def _elements(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Return where the elements of arrays are."""
    pairs = zip(kinds, values, strict=False)
    return [context.make_array(kind)(context, builder, value).data for kind, value in pairs]


class _Block:
    """Writes the instructions of a block, whose rows have so many vectors."""

    def __init__(
        self,
        builder: Any,
        element: Any,
        element_bytes: int,
        n_rows: int,
        n_vectors: int,
        *,
        picked: bool,
    ) -> None:
        self.build, self.alignment = builder, element_bytes
        self.vector = ir.VectorType(element, VECTOR_BYTES // element_bytes)
        *self.whole, self.last = [INDEX(v * self.vector.count) for v in range(n_vectors)]
        self.width = INDEX(n_vectors * self.vector.count)
        self.n_rows, self.picked = n_rows, picked

    def write(self, arrays: Sequence[Any], place: Sequence[Any]) -> None:
        a, row, col, b, start, start_row, out, out_row, picks = arrays
        i, j, k, n_k, panel, n = place
        build = self.build
        lefts = self.rows_of(a, row, i)
        picks, b = build.gep(picks, [k]), build.gep(b, [panel])
        col = col if self.picked else build.gep(col, [k])
        before, loop, after = build.block, *(build.append_basic_block() for _ in range(2))
        zero, n_sums = ir.Constant(self.vector, None), self.n_rows * (len(self.whole) + 1)
        if self.picked:
            build.cbranch(build.icmp_signed(">", n_k, INDEX(0)), loop, after)
        else:
            build.branch(loop)

        build.position_at_end(loop)
        t = self.carried(INDEX, INDEX(0), before)
        sums = [self.carried(self.vector, zero, before) for _ in range(n_sums)]
        term = build.sext(build.load(build.gep(picks, [t])), INDEX) if self.picked else t
        offset = build.load(build.gep(col, [term]))
        right = build.gep(b, [build.mul(term, self.width)])
        added = self.multiply_add(lefts, offset, right, sums)
        following = build.add(t, INDEX(1))
        for value, new in zip([t, *sums], [following, *added], strict=True):
            value.add_incoming(new, loop)
        build.cbranch(build.icmp_signed("<", following, n_k), loop, after)

        build.position_at_end(after)
        if self.picked:
            added = [self.joined(value, loop, zero, before) for value in added]
        sources = self.rows_of(build.gep(start, [j]), start_row, i)
        targets = self.rows_of(build.gep(out, [j]), out_row, i)
        found = iter(added)
        for source, target in zip(sources, targets, strict=True):
            for column in self.whole:
                total = build.fadd(self.load(source, column), next(found))
                self.store(total, target, column)
            self.store_last(build.fadd(self.load_last(source, n), next(found)), target, n)

    def multiply_add(self, lefts: list[Any], offset: Any, right: Any, sums: list[Any]) -> list[Any]:
        """Return the sums with the products of one k added."""
        build, rest = self.build, iter(sums)
        rights = [self.load(right, j) for j in (*self.whole, self.last)]
        added = []
        for x in lefts:
            left = self.number(build.load(build.gep(x, [offset])))
            left = broadcast(build, left, self.vector)
            for vector in rights:
                added.append(fused(build, left, vector, next(rest)))
        return added

    def number(self, value: Any) -> Any:
        """Return the float that an element of ``a`` is, or stands for."""
        element = self.vector.element
        if value.type == element:
            return value
        name = f"floats_of_bytes_{element}"
        table = self.build.module.globals.get(name)
        if table is None:
            kind = ir.ArrayType(element, 256)
            table = ir.GlobalVariable(self.build.module, kind, name)
            table.linkage, table.global_constant = "internal", True
            # Rounded to float64 before float32, a quotient is the same (Figueroa 1995).
            table.initializer = ir.Constant(kind, [byte / 255 for byte in range(256)])
        place = self.build.gep(table, [INDEX(0), self.build.zext(value, INDEX)])
        return self.build.load(place)

    def load(self, array: Any, index: Any) -> Any:
        return self.build.load(self.at(array, index), align=self.alignment)

    def store(self, value: Any, array: Any, index: Any) -> None:
        self.build.store(value, self.at(array, index), align=self.alignment)

    def load_last(self, array: Any, n: Any) -> Any:
        """Return the last vector of a row of n elements, 0 behind them."""
        place = self.at(array, self.last)
        return masked_load(self.build, place, self.build.sub(n, self.last))

    def store_last(self, value: Any, array: Any, n: Any) -> None:
        """Write the last vector of a row of n elements, but what is behind them."""
        place = self.at(array, self.last)
        masked_store(self.build, value, place, self.build.sub(n, self.last))

    def at(self, array: Any, index: Any) -> Any:
        return self.build.bitcast(self.build.gep(array, [index]), self.vector.as_pointer())

    def rows_of(self, array: Any, offsets: Any, i: Any) -> list[Any]:
        """Return where the rows of the block, those from i on, begin in an array."""
        build, own = self.build, self.build.gep(offsets, [i])
        offsets_of_rows = (build.load(build.gep(own, [INDEX(r)])) for r in range(self.n_rows))
        return [build.gep(array, [offset]) for offset in offsets_of_rows]

    def joined(self, value: Any, place: Any, other: Any, elsewhere: Any) -> Any:
        """Return the value that belongs to the place that this was reached from."""
        found = self.build.phi(self.vector)
        found.add_incoming(value, place)
        found.add_incoming(other, elsewhere)
        return found

    def carried(self, kind: Any, first: Any, before: Any) -> Any:
        """Return a value that each round of the loop receives from the one before."""
        value = self.build.phi(kind)
        value.add_incoming(first, before)
        return value
