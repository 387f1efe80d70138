"""Parameters as the kernels of optimizers take them: all of one dtype at once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from normlab import _checks
from normlab._typing import Gradients, IntArray, Parameters
from normlab.errors import ArgumentError
from normlab.kernels import updates


class Group:
    """Parameters of one dtype, which a kernel updates at once, and their state."""

    def __init__(self, parameters: Parameters, n_slots: int) -> None:
        self.names = list(parameters)
        self.arrays = [np.asarray(p) for p in parameters.values()]
        self.strided = [i for i, p in enumerate(self.arrays) if not p.flags.c_contiguous]
        self.dtype = self.arrays[0].dtype
        sizes = [p.size for p in self.arrays]
        are_weights = [name.rpartition(".")[2] == "weight" for name in parameters]
        self.table = updates.new_table(sizes, are_weights)
        self.state = np.zeros((n_slots, sum(sizes)), self.dtype)

    def update(
        self, kernel: Callable[..., None], numbers: tuple[float, ...], gradients: Gradients
    ) -> None:
        """Take a step of the optimizer whose kernel this is."""
        p = self.arrays.copy()
        for i in self.strided:
            p[i] = p[i].copy()
        g = [np.asarray(gradients[name], self.dtype, order="C") for name in self.names]
        updates.apply(kernel, self.table, p, g, self.state, *numbers)
        for i in self.strided:
            self.arrays[i][...] = p[i]

    def table_of(self, gradients: Gradients) -> IntArray:
        """Return a table of its own for these gradients."""
        table = self.table.copy()
        updates.point_to(table, self.arrays, [gradients[name] for name in self.names])
        return table


def by_dtype(parameters: Parameters) -> list[Parameters]:
    """Return the parameters of each dtype."""
    groups: dict[Any, Parameters] = {}
    for name, p in parameters.items():
        groups.setdefault(p.dtype, {})[name] = p
    return list(groups.values())


def check_step(parameters: Parameters, gradients: Gradients) -> None:
    """Raise unless there is a gradient for each parameter, and it fits."""
    _checks.instance("parameters", parameters, dict)
    _checks.instance("gradients", gradients, dict)
    if parameters.keys() != gradients.keys():
        odd = sorted(parameters.keys() ^ gradients.keys())
        raise ArgumentError(f"gradients must name each parameter, got a difference in {odd}.")
    for name, p in parameters.items():
        g = gradients[name]
        if not _is_usual(p, g):
            _check_pair(name, p, g)


def _is_usual(p: Any, g: Any) -> bool:
    return (
        type(p) is type(g) is np.ndarray
        and p.dtype == g.dtype in _checks.FLOATS
        and p.shape == g.shape
        and p.flags.writeable
    )


def _check_pair(name: str, p: Any, g: Any) -> None:
    _checks.float_array(f"parameters[{name!r}]", p)
    _checks.writeable({f"parameters[{name!r}]": p})
    _checks.float_array(f"gradients[{name!r}]", g)
    _checks.same_shape(f"gradients[{name!r}]", g.shape, p.shape)
