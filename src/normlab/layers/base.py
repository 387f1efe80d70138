"""The contract of a layer."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from normlab._typing import FloatArray, Gradients, Parameters

Cache = TypeVar("Cache")


class Layer(ABC, Generic[Cache]):
    """A differentiable map with parameters and statistics of its own.

    A subclass gives ``forward`` and ``backward``, and what it has of the rest. Both are pure: they
    change neither their arguments nor the layer (but that ``Dropout`` draws from its generator).
    What ``backward`` needs travels in the cache that ``forward`` returns, so that any number of
    forward passes may be under way at once. A cache refers to the input of its forward pass, or to
    the output, instead of copying it: leave these arrays as they are until ``backward`` has run.
    """

    @property
    def parameters(self) -> Parameters:
        """The arrays that an optimizer changes, by name. Writing into them sets the layer."""
        return {}

    @property
    def statistics(self) -> dict[str, NDArray[Any]]:
        """The arrays that ``update_statistics`` changes, by name."""
        return {}

    @abstractmethod
    def forward(self, x: FloatArray, *, training: bool) -> tuple[FloatArray, Cache]:
        """Return the output and the cache for ``backward``."""

    @abstractmethod
    def backward(self, dy: FloatArray, cache: Cache) -> tuple[FloatArray, Gradients]:
        """Return dx and the gradient of each parameter, from the gradient of the output."""

    def parameter_gradients(self, dy: FloatArray, cache: Cache) -> Gradients:
        """Return ``backward``'s gradients alone; a network's first layer needs no dx."""
        return self.backward(dy, cache)[1]

    def update_statistics(self, cache: Cache) -> None:
        """Move the running statistics towards the batch in ``cache``."""

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one output row, given the shape of one input row."""
        return input_shape

    def __repr__(self) -> str:
        return self._repr()

    def _repr(self, *sizes: Any, **options: tuple[Any, Any]) -> str:
        """Name the sizes, and of options, each (value, default), those that differ from it."""
        stated = [f"{name}={value!r}" for name, (value, usual) in options.items() if value != usual]
        return f"{type(self).__name__}({', '.join([*map(str, sizes), *stated])})"
