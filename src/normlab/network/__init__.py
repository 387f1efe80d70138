"""Whole networks: layers put together, and the usual shapes built from a spec."""

from normlab.network.build import build_cnn, build_mlp, build_network
from normlab.network.network import Network
from normlab.network.spec import CNNSpec, MLPSpec, NetworkSpec

__all__ = [
    "CNNSpec",
    "MLPSpec",
    "Network",
    "NetworkSpec",
    "build_cnn",
    "build_mlp",
    "build_network",
]
