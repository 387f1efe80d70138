"""The array types that signatures share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
"""float32 or float64."""

IntArray: TypeAlias = NDArray[np.integer[Any]]
"""Class indices, row numbers."""

Parameters: TypeAlias = dict[str, FloatArray]
"""Arrays by name: ``{"weight": ...}`` in a layer, ``{"0.weight": ...}`` in a network."""

Gradients: TypeAlias = dict[str, FloatArray]
"""The gradient of each parameter, under the parameter's own name."""

Target: TypeAlias = NDArray[np.integer[Any] | np.floating[Any]]
"""Class indices ``(n,)`` or rows ``(n, n_outputs)``."""
