"""Write ``batch_norm.json`` beside this file: batch normalization by PyTorch and ONNX, in float64.

Run it with both installed: ``python tests/vectors/make_vectors.py``. Features stand on axis 1 of
every array, as both systems have them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from torch.nn import functional

Array = NDArray[Any]

PATH = Path(__file__).with_name("batch_norm.json")

# Name, shape, arguments of BatchNorm, offset of the input.
TORCH_CASES: list[tuple[str, tuple[int, ...], dict[str, Any], float]] = [
    ("rows", (6, 3), {"convention": "pytorch"}, 0.0),
    ("images", (2, 3, 2, 2), {"convention": "pytorch"}, 0.0),
    ("volumes", (2, 2, 2, 1, 3), {"convention": "pytorch"}, 0.0),
    ("batch of two", (2, 3), {"convention": "pytorch"}, 0.0),
    ("large offset", (5, 2), {"convention": "pytorch"}, 1e6),
    ("cumulative average", (4, 2, 3), {"convention": "pytorch", "decay": None}, 0.0),
    ("slow decay, large eps", (5, 3), {"convention": "pytorch", "decay": 0.99, "eps": 0.1}, 0.0),
]

ONNX_CASES: list[tuple[str, tuple[int, ...], dict[str, Any], float]] = [
    ("rows", (6, 3), {"convention": "onnx"}, 0.0),
    ("images", (2, 3, 2, 2), {"convention": "onnx"}, 0.0),
    ("fast decay, large eps", (5, 3), {"convention": "onnx", "decay": 0.25, "eps": 0.125}, 0.0),
]


def vectors() -> dict[str, Any]:
    """Return everything that the file holds."""
    cases = [torch_case(*case) for case in TORCH_CASES] + [onnx_case(*case) for case in ONNX_CASES]
    made_with = {"torch": torch.__version__.partition("+")[0], "onnx": onnx.__version__}
    return {"made_with": made_with, "cases": cases}


def drawn(name: str, shape: tuple[int, ...], options: Any, offset: float) -> dict[str, Any]:
    """Return the inputs of a case, in few digits."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return {
        "options": options,
        "x": (3 * rng.standard_normal(shape) + offset).round(3),
        "dy": rng.standard_normal(shape).round(3),
        "gamma": rng.uniform(0.5, 2, shape[1]).round(3),
        "beta": rng.uniform(-1, 1, shape[1]).round(3),
    }


def torch_case(name: str, shape: tuple[int, ...], options: Any, offset: float) -> dict[str, Any]:
    """Return a case of training, two updates (with x, then 2 x), and evaluation of x."""
    case = drawn(name, shape, options, offset)
    mean, var = torch.zeros(shape[1]).double(), torch.ones(shape[1]).double()
    decay, eps = options.get("decay", 0.9), options.get("eps", 1e-5)
    for count, x in enumerate((case["x"], 2 * case["x"]), start=1):
        momentum = 1 / count if decay is None else 1 - decay
        functional.batch_norm(torch.from_numpy(x), mean, var, training=True, momentum=momentum)
    expected = {"running_mean": mean.numpy(), "running_var": var.numpy()}
    for mode in ("training", "evaluation"):
        leaves = {k: torch.from_numpy(case[k]).requires_grad_() for k in ("x", "gamma", "beta")}
        x, gamma, beta = leaves.values()
        if mode == "training":
            y = functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
        else:
            y = functional.batch_norm(x, mean, var, gamma, beta, eps=eps)
        torch.autograd.backward(y, torch.from_numpy(case["dy"]))
        expected[f"{mode}_y"] = y.detach().numpy()
        for key, leaf in leaves.items():
            assert leaf.grad is not None
            expected[f"{mode}_d{key}"] = leaf.grad.numpy()
    return listed({"name": f"pytorch: {name}", **case, "expected": expected})


def onnx_case(name: str, shape: tuple[int, ...], options: Any, offset: float) -> dict[str, Any]:
    """Return a case of one update, in training, and evaluation with what it gave."""
    case = drawn(name, shape, options, offset)
    attributes = {"momentum": options.get("decay", 0.9), "epsilon": options.get("eps", 1e-5)}
    given = [case["x"], case["gamma"], case["beta"], np.zeros(shape[1]), np.ones(shape[1])]
    y, mean, var = run_onnx(given, training=True, **attributes)
    (evaluated,) = run_onnx([*given[:3], mean, var], training=False, **attributes)
    expected = {"running_mean": mean, "running_var": var}
    expected |= {"training_y": y, "evaluation_y": evaluated}
    return listed({"name": f"onnx: {name}", **case, "expected": expected})


def run_onnx(inputs: list[Array], *, training: bool, **attributes: Any) -> list[Array]:
    """Run one node of the reference evaluator."""
    names, outputs = ["x", "scale", "bias", "mean", "var"], ["y", "new_mean", "new_var"]
    node = onnx.helper.make_node(
        "BatchNormalization",
        names,
        outputs if training else outputs[:1],
        training_mode=int(training),
        **attributes,
    )
    return list(ReferenceEvaluator(node).run(None, dict(zip(names, inputs, strict=True))))


def listed(case: dict[str, Any]) -> dict[str, Any]:
    """Turn arrays into lists, which JSON knows."""
    return {
        key: value.tolist()
        if isinstance(value, np.ndarray)
        else (listed(value) if isinstance(value, dict) else value)
        for key, value in case.items()
    }


def written(found: dict[str, Any]) -> str:
    """Return the file's text: JSON, each array on a line of its own."""
    lines = [f'{{"made_with": {json.dumps(found["made_with"])},', '"cases": [']
    for i, case in enumerate(found["cases"]):
        entries = {k: v for k, v in case.items() if k != "expected"}
        entries |= {f"expected {k}": v for k, v in case["expected"].items()}
        body = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items())
        lines.append("{\n" + body + "\n}" + ("," if i < len(found["cases"]) - 1 else ""))
    return "\n".join([*lines, "]}", ""])


if __name__ == "__main__":
    PATH.write_text(written(vectors()), encoding="utf-8")
