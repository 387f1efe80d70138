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

INDEX, ALIGNMENT = ir.IntType(64), ir.IntType(32)


def tile(n_rows: int, n_vectors: int) -> Callable[..., None]:
    """Return a compiled function that computes a block of a product.

    It is called as ``f(a, row, col, b, start, start_row, out, out_row, i, j, k, n_k, panel, n)``:
    eight flat arrays, the block's first row, column and k, how many k, where in ``b`` the panel's
    row k begins, and how many columns there are. For ``n_rows`` rows r from i on, and columns c <
    n, it sets::

        out[out_row[r] + j + c] = start[start_row[r] + j + c] + sum over t < n_k of
                                  a[row[r] + col[k + t]] b[panel + t width + c]

    The width of the panel is that of ``n_vectors`` vectors, of which columns need all, if not the
    whole of the last.

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
        n: Any,
    ) -> tuple[Any, Any]:
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            arrays = _elements(context, builder, signature.args[:8], values)
            element = arrays[0].type.pointee
            place = builder, element, context.get_abi_sizeof(element), n_vectors
            _Block(n_rows, *place).write(*arrays, *values[8:])
            return context.get_dummy_value()

        arrays = a, row, col, b, start, start_row, out, out_row
        if len({array.dtype for array in (a, b, start, out)}) > 1:
            raise TypingError(f"a, b, start and out must be of one dtype, got {arrays}.")
        return types.void(*arrays, *[types.int64] * 6), write

    compiled: Callable[..., None] = block
    return compiled


def row_copy(n_vectors: int) -> Callable[..., None]:
    """Return a compiled function that copies a row, and fills its last vector with 0.

    It is called as ``f(b, source, out, target, n)``: of two flat arrays, from and to where, and how
    many elements, which need all of ``n_vectors`` vectors, if not the whole of the last.
    """

    @intrinsic
    def copy(typing: Any, b: Any, source: Any, out: Any, target: Any, n: Any) -> tuple[Any, Any]:
        def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            (b, out) = _elements(context, builder, signature.args[:3:2], values[:3:2])
            element = b.type.pointee
            row = _Vectors(builder, element, context.get_abi_sizeof(element), n_vectors)
            row.copy(builder.gep(b, [values[1]]), builder.gep(out, [values[3]]), values[4])
            return context.get_dummy_value()

        return types.void(b, types.int64, out, types.int64, types.int64), write

    compiled: Callable[..., None] = copy
    return compiled


def _elements(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    """Return where the elements of arrays are."""
    pairs = zip(kinds, values, strict=False)
    return [context.make_array(kind)(context, builder, value).data for kind, value in pairs]


class _Vectors:
    """Writes instructions for rows of so many vectors, the last of which need not be whole."""

    def __init__(self, builder: Any, element: Any, element_bytes: int, n_vectors: int) -> None:
        self.build = builder
        self.vector = ir.VectorType(element, VECTOR_BYTES // element_bytes)
        *self.whole, self.last = [INDEX(v * self.vector.count) for v in range(n_vectors)]
        self.width = INDEX(n_vectors * self.vector.count)

    def load(self, array: Any, index: Any) -> Any:
        return self.build.load(self.at(array, index), align=self.alignment)

    def masked_load(self, array: Any, mask: Any) -> Any:
        """Return the last vector of a row, 0 where the mask is."""
        kind, nothing = self.vector, ir.Constant(self.vector, None)
        load = ir.FunctionType(kind, [kind.as_pointer(), ALIGNMENT, mask.type, kind])
        arguments = [self.at(array, self.last), ALIGNMENT(self.alignment), mask, nothing]
        return self.build.call(self.own("masked.load", load, ".p0"), arguments)

    def masked_store(self, value: Any, array: Any, mask: Any) -> None:
        """Write the last vector of a row, but where the mask is 0."""
        pointer = self.vector.as_pointer()
        store = ir.FunctionType(ir.VoidType(), [self.vector, pointer, ALIGNMENT, mask.type])
        arguments = [value, self.at(array, self.last), ALIGNMENT(self.alignment), mask]
        self.build.call(self.own("masked.store", store, ".p0"), arguments)

    def mask(self, n: Any) -> Any:
        """Return 1 for the first n places of a vector, 0 for others."""
        places = ir.VectorType(INDEX, self.vector.count)
        numbers = ir.Constant(places, list(range(self.vector.count)))
        return self.build.icmp_signed("<", numbers, self.everywhere(n, places))

    def at(self, array: Any, index: Any) -> Any:
        return self.build.bitcast(self.build.gep(array, [index]), self.vector.as_pointer())

    def everywhere(self, value: Any, kind: Any) -> Any:
        """Return a vector of this kind that has the value in all places."""
        nothing = ir.Constant(kind, ir.Undefined)
        once = self.build.insert_element(nothing, value, INDEX(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
        return self.build.shuffle_vector(once, nothing, zeros)

    def own(self, name: str, kind: Any, tail: str = "") -> Any:
        """Return LLVM's function of this name for our vectors."""
        name = f"llvm.{name}.v{self.vector.count}{self.vector.element.intrinsic_name}{tail}"
        known = self.build.module.globals.get(name)
        return ir.Function(self.build.module, kind, name) if known is None else known

    @property
    def alignment(self) -> int:
        """That of one element: vectors begin anywhere."""
        return VECTOR_BYTES // int(self.vector.count)

    def copy(self, source: Any, target: Any, n: Any) -> None:
        """Copy n elements, and fill the last vector with 0."""
        for column in self.whole:
            self.store(self.load(source, column), target, column)
        mask = self.mask(self.build.sub(n, self.last))
        self.store(self.masked_load(source, mask), target, self.last)

    def store(self, value: Any, array: Any, index: Any) -> None:
        self.build.store(value, self.at(array, index), align=self.alignment)


class _Block(_Vectors):
    """Writes the instructions of a block."""

    def __init__(self, n_rows: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.n_rows = n_rows

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
        n: Any,
    ) -> None:
        build = self.build
        lefts = self.rows_of(a, row, i)
        col, b = build.gep(col, [k]), build.gep(b, [panel])
        before, loop, after = build.block, *(build.append_basic_block() for _ in range(2))
        build.branch(loop)

        build.position_at_end(loop)
        t = self.carried(INDEX, INDEX(0), before)
        zero, n_sums = ir.Constant(self.vector, None), self.n_rows * (len(self.whole) + 1)
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
        found, mask = iter(added), self.mask(build.sub(n, self.last))
        for source, target in zip(sources, targets, strict=True):
            for column in self.whole:
                total = build.fadd(self.load(source, column), next(found))
                self.store(total, target, column)
            total = build.fadd(self.masked_load(source, mask), next(found))
            self.masked_store(total, target, mask)

    def multiply_add(self, lefts: list[Any], offset: Any, right: Any, sums: list[Any]) -> list[Any]:
        """Return the sums with the products of one k added."""
        build, rest = self.build, iter(sums)
        rights = [self.load(right, j) for j in (*self.whole, self.last)]
        added = []
        for x in lefts:
            left = self.everywhere(build.load(build.gep(x, [offset])), self.vector)
            for vector in rights:
                added.append(self.fused(left, vector, next(rest)))
        return added

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c, rounded once where the processor can do that."""
        build, kind = self.build, self.vector
        if not HAS_FMA:
            return build.fadd(build.fmul(a, b), c)
        return build.call(self.own("fma", ir.FunctionType(kind, [kind] * 3)), [a, b, c])

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
