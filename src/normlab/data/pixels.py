"""Images kept as bytes, a quarter of the memory of float32."""

import numpy as np
from numpy.typing import NDArray

from normlab._typing import IntArray


class Pixels:
    """Rows that are float32 from 0 to 1 when they are taken, and bytes until then.

    ``pixels[rows]`` has the bits of ``np.divide(stored, 255, dtype=np.float32)[rows]``. It stands
    in a ``Dataset`` for the array of all of them.

    Parameters
    ----------
    stored : ndarray of uint8, shape (n, ...)
        One row an example, from 0 to 255. Not copied, so it may lie in a mapped file.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, stored: NDArray[np.uint8]) -> None:
        self.stored = stored.view(np.ndarray)
        self.stored.flags.writeable = False
        self.shape, self.ndim = stored.shape, stored.ndim

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, rows: slice | IntArray) -> NDArray[np.float32]:
        """Return some rows, by their numbers or in a slice."""
        taken = self.stored[rows] if isinstance(rows, slice) else self.stored.take(rows, axis=0)
        floats: NDArray[np.float32] = np.divide(taken, 255, dtype=np.float32)
        return floats
