"""The stored form of a trial: a JSON text, and the arrays of its probes as compressed ``.npz``.

The text ends with a checksum of itself and holds that of the arrays, so that whatever damages a
file is noticed. Equal trials have equal bytes. Numbers are stored to the last bit: an array is
float32 where that loses nothing, else float64. A column in which nothing was recorded is left out.
"""

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from normlab._typing import FloatArray
from normlab.lab.identity import SCHEMA
from normlab.lab.trial import TrialResult
from normlab.training import History
from normlab.training.history import COLUMNS
from normlab.training.series import Series

CHECKSUM = b',\n"sha256": '

NOTHING_RECORDED = dict.fromkeys(COLUMNS, nan)

NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class DamagedError(ValueError):
    """A file is not what was written there."""


def encode(result: TrialResult) -> tuple[bytes, bytes | None]:
    """Return the text and the arrays of a trial; None for the arrays where there are no probes."""
    history = result.history
    columns = {name: getattr(history, name) for name in COLUMNS}
    tree: dict[str, Any] = {
        "schema_version": SCHEMA,
        "config": result.config.model_dump(mode="json"),
        "n_steps": history.n_steps,
        "diverged_at_step": history.diverged_at_step,
        "columns": {n: _listed(c) for n, c in columns.items() if not np.isnan(c).all()},
    }
    if not history.probes:
        return _sealed(tree), None
    arrays = _packed(history)
    tree["probes"] = {
        "steps": history.probed_steps.tolist(),
        "series": {n: {"axes": s.axes, "labels": s.labels} for n, s in history.probes.items()},
        "sha256": _checksum(arrays),
    }
    return _sealed(tree), arrays


def decode(text: bytes, arrays: Callable[[], bytes], seconds_per_step: float = nan) -> History:
    """Return the history of a stored trial; ``arrays`` reads its arrays if there are any.

    Raises
    ------
    DamagedError
        Where text or arrays are not as they were written, or of another schema.
    """
    tree = _unsealed(text)
    if tree["schema_version"] != SCHEMA:
        raise DamagedError("another schema")
    probes = tree.get("probes", {"steps": [], "series": {}})
    return History(
        **NOTHING_RECORDED | tree["columns"],
        n_steps=tree["n_steps"],
        diverged_at_step=tree["diverged_at_step"],
        probed_steps=probes["steps"],
        probes=_series(probes, arrays) if probes["series"] else {},
        seconds_per_step=seconds_per_step,
    )


def _series(probes: dict[str, Any], arrays: Callable[[], bytes]) -> dict[str, Series]:
    packed = arrays()
    if _checksum(packed) != probes["sha256"]:
        raise DamagedError("other arrays")
    with np.load(BytesIO(packed), allow_pickle=False) as values:
        return {n: Series(**s, values=values[n]) for n, s in probes["series"].items()}


def _packed(history: History) -> bytes:
    file = BytesIO()
    smallest: dict[str, Any] = {n: _smallest(s.values) for n, s in history.probes.items()}
    np.savez_compressed(file, **smallest)
    return file.getvalue()


def _smallest(values: FloatArray) -> FloatArray:
    """Return the values as float32 where that changes none of them."""
    with np.errstate(all="ignore"):
        small = values.astype(np.float32)
    return small if np.array_equal(small, values, equal_nan=True) else values


def _listed(column: NDArray[Any]) -> list[Any]:
    """Return a column as JSON can hold it."""
    values = column.tolist()
    return [v if isfinite(v) else NON_FINITE[str(v)] for v in values]


def _sealed(tree: dict[str, Any]) -> bytes:
    """Return a JSON object, a line a key, with a checksum of these lines as the last."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in tree.items())
    body = ("{" + ",\n".join(lines)).encode()
    return body + CHECKSUM + f'"{_checksum(body)}"}}\n'.encode()


def _unsealed(text: bytes) -> dict[str, Any]:
    body, _, _ = text.rpartition(CHECKSUM)
    if not body or text != body + CHECKSUM + f'"{_checksum(body)}"}}\n'.encode():
        raise DamagedError("another text")
    tree: dict[str, Any] = json.loads(text)
    return tree


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
