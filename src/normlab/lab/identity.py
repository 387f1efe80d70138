"""What makes two trials the same one, and the name that follows from it.

A name is a hash of all that the result depends on and nothing else. Fields that have their default
value are left out, so that a field added later leaves the names of earlier trials as they were.
(A default that changes needs another ``SCHEMA``.) Data goes by what is in its files, not by where
they lie.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from normlab.lab.config import TrialConfig
from normlab.network import CNNSpec

SCHEMA = 2
"""Version of the stored form of a trial; another one means that it is computed again."""

REQUIRED = object()

OF_NORMALIZATION = (
    *("placement", "convention", "scale", "shift", "gamma_init", "beta_init"),
    "bias_before_normalization",
)
"""Fields of a network that do nothing where it has no normalization."""


def trial_id(config: TrialConfig) -> str:
    """Return the name of a trial."""
    return name_of(identity(config))


def identity(config: TrialConfig) -> dict[str, Any]:
    """Return what the result of a trial depends on, where that is not the default.

    Of a perceptron every field counts, also one that does nothing: its names are older than that
    rule.
    """
    network = config.network
    tree: dict[str, Any] = _set_fields(config)
    if isinstance(network, CNNSpec):
        tree["network"] = {"kind": network.kind, **_set_fields(_effective(network))}
    if config.data_digest is not None:
        tree.get("data", {}).pop("directory", None)
    return tree


def name_of(identity: Mapping[str, Any]) -> str:
    """Return the name that follows from an identity."""
    tree = {"schema_version": SCHEMA, **identity}
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _effective(network: CNNSpec) -> CNNSpec:
    """Return the network with the fields that do nothing at their defaults."""
    if network.normalization != "none":
        return network
    defaults = _defaults(CNNSpec) or {}
    return replace(network, **{name: defaults[name] for name in OF_NORMALIZATION})


def _set_fields(value: Any) -> Any:
    """Return the fields that differ from their defaults, as nested dictionaries."""
    kind: type = type(value)
    defaults = _defaults(kind)
    if defaults is None:
        return value
    here = ((name, getattr(value, name), default) for name, default in defaults.items())
    return {name: _set_fields(own) for name, own, default in here if own != default}


@cache
def _defaults(kind: type) -> dict[str, Any] | None:
    """Return the default of each field of a model or a dataclass; None for other types."""
    if issubclass(kind, BaseModel):
        return {
            name: REQUIRED if info.is_required() else info.get_default(call_default_factory=True)
            for name, info in kind.model_fields.items()
        }
    if not is_dataclass(kind):
        return None
    defaults = {}
    for field in fields(kind):
        made = field.default_factory
        defaults[field.name] = field.default if made is MISSING else made()
    return {n: REQUIRED if default is MISSING else default for n, default in defaults.items()}
