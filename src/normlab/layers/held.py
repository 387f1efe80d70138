"""Arrays that a layer holds."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from normlab import _checks
from normlab.errors import ArgumentError

A = TypeVar("A", bound=NDArray[Any] | None)


class Held(Generic[A]):
    """An attribute that holds an array: assigning to it writes into the array.

    So ``layer.gamma = values`` is ``layer.gamma[...] = values``: the array stays the one that an
    optimizer is bound to, and values of another shape are refused where they are given, not found
    by a kernel later.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:  # reading finds the array in the layer's own __dict__, at full speed

        def __get__(self, layer: Any, owner: type | None = None) -> A: ...

    def __set__(self, layer: Any, value: A) -> None:
        held = layer.__dict__.setdefault(self.name, value)
        if held is value:
            return
        if held is None:
            raise ArgumentError(f"{self.name} must stay None: {layer!r} was made without one.")
        values = np.asarray(value)
        _checks.same_shape(self.name, values.shape, held.shape)
        held[...] = values
