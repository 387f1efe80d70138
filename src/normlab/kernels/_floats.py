"""What NumPy knows of floats, for compiled code.

Its ``np.finfo`` would do; but wherever a kernel with it is loaded, Numba imports what it is made
of, and with that SciPy's linear algebra: 0.15 seconds of each process.
"""

from typing import Any

from normlab._typing import FloatArray
from normlab.kernels._compile import merged


@merged
def least_normal(like: FloatArray) -> Any:
    """Return the smallest positive number of the array's dtype that has all its digits."""
    return like.dtype.type(2.0**-126 if like.itemsize == 4 else 2.0**-1022)
