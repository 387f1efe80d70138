"""Whole networks: layers put together, and the usual shapes built from a spec."""

from normlab.network.build import build_mlp
from normlab.network.network import Network
from normlab.network.spec import MLPSpec

__all__ = ["MLPSpec", "Network", "build_mlp"]
