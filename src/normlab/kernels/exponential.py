"""The exponential function where it does not grow, for sigmoids and softmax.

The C library's takes one number after the other, 2 to 5 nanoseconds each, and its last digits
differ from library to library. This one goes through vectors, in a tenth to a fifth of that time,
and has the same bits everywhere; they are within 2 units in the last place.

With n the nearest integer to z / ln 2, and r = z - n ln 2 in two parts, so that nothing of it is
lost (Cody & Waite 1980, "Software Manual for the Elementary Functions"; the coefficients of P and Q
are those of ``exp`` in Moshier's Cephes library)::

    exp(z) = 2^n exp(r)
    exp(r) = 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2))
"""

from typing import Any

from llvmlite import ir
from numba import types

from normlab._typing import FloatArray
from normlab.kernels._compile import merged
from normlab.kernels._team import instructions


@merged
def exp_of_negative(z: Any, like: FloatArray) -> Any:
    """Return exp(z) of a z that is 0 or less, or NaN, in the dtype of an array.

    0 where it is less than the smallest float that has all its digits.
    """
    number = like.dtype.type
    # So large that its last bit counts ones: adding it rounds, and leaves n in the lowest bits.
    middle = number(1.5 * (2.0**23 if like.itemsize == 4 else 2.0**52))
    high = number(0.693359375 if like.itemsize == 4 else 6.93145751953125e-1)
    low = number(-2.12194440e-4 if like.itemsize == 4 else 1.42860682030941723212e-6)
    least = number(-87.33654 if like.itemsize == 4 else -708.396418532264)
    shifted = z * number(1.4426950408889634) + middle
    n = shifted - middle
    r = z - n * high - n * low
    s = r * r
    p = number(1.26177193074810590878e-4) * s + number(3.02994407707441961300e-2)
    p = r * (p * s + number(1))
    q = number(3.00198505138664455042e-6) * s + number(2.52448340349684104192e-3)
    q = (q * s + number(2.27265548208155028766e-1)) * s + number(2)
    found = (number(1) + number(2) * (p / (q - p))) * _power_of_two(shifted)
    return number(0) if z < least else found


@instructions
def _power_of_two(typing: Any, shifted: Any) -> tuple[Any, Any]:
    """Return 2^n, where n is in the lowest bits of a float; it becomes the float's exponent."""
    n_bits, bias = (23, 127) if shifted == types.float32 else (52, 1023)

    def write(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number = ir.IntType(32 if n_bits == 23 else 64)
        n = builder.shl(builder.bitcast(values[0], number), number(n_bits))
        return builder.bitcast(builder.add(n, number(bias << n_bits)), values[0].type)

    return shifted(shifted), write
