"""What is public, and that it is documented as it is."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import normlab
from normlab import errors

PUBLIC = [
    # data
    "Dataset",
    "batches",
    "load_mnist",
    "one_hot",
    "read_idx",
    # layers
    "AveragePool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "MaxPool2D",
    "ReLU",
    "Sigmoid",
    "Tanh",
    # networks
    "CNNSpec",
    "MLPSpec",
    "Network",
    "build_cnn",
    "build_mlp",
    "build_network",
    # training
    "AdaGrad",
    "Adam",
    "AdamW",
    "History",
    "Loss",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Probes",
    "RMSProp",
    "Recording",
    "SGD",
    "Series",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "TrainingConfig",
    "accuracy",
    "evaluate",
    "objective",
    "threads",
    "train",
    # errors
    "ArgumentError",
    "BatchSizeError",
    "DataError",
    "ExperimentError",
    "NormlabError",
    "OptimizerError",
    "ShapeError",
    "StatisticsError",
    "StoreError",
    "WorkerError",
    # modules
    "data",
    "errors",
    "figures",
    "gradcheck",
    "kernels",
    "lab",
    "layers",
    "network",
    "report",
    "training",
]

PACKAGES = ["data", "layers", "network", "training"]

HEAVY = [
    *("numba", "matplotlib", "pydantic", "typer", "rich", "scipy", "loky", "jinja2", "filelock"),
    *("distributed", "pandas", "torch", "onnx"),
]


def names_in_the_stub() -> list[str]:
    stub = ast.parse(Path(normlab.__file__).with_suffix(".pyi").read_text("utf-8"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len(stub.body)
    return [alias.asname or alias.name for node in imports for alias in node.names]


def public_callables() -> dict[str, Any]:
    """Return every public class and function, and the public methods that classes define."""
    found: dict[str, Any] = {}
    for module in [normlab, *(importlib.import_module(f"normlab.{p}") for p in PACKAGES)]:
        for name in getattr(module, "__all__", PUBLIC):
            if callable(getattr(module, name)):
                found[name] = getattr(module, name)
    found |= {f"gradcheck.{f.__name__}": f for f in (normlab.gradcheck.directional,)}
    found |= {f"gradcheck.{f.__name__}": f for f in (normlab.gradcheck.elementwise,)}
    for name, cls in [item for item in found.items() if inspect.isclass(item[1])]:
        for own, member in vars(cls).items():
            if not own.startswith("_") and inspect.isfunction(member):
                found[f"{name}.{own}"] = member
    return found


def documented_parameters(function: Any) -> list[str]:
    """Return the names in the docstring's section Parameters: lines "a", "a, b" or "a : type"."""
    doc = inspect.getdoc(function) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n\S[^\n]*\n-{3,}|\Z)", doc, re.DOTALL | re.M)
    if section is None:
        return []
    headings = [line for line in section[1].splitlines() if line and not line.startswith(" ")]
    return [name.strip() for line in headings for name in line.partition(" :")[0].split(",")]


def test_the_root_shows_exactly_the_public_names() -> None:
    shown = [name for name in dir(normlab) if not name.startswith("__")]
    assert sorted(shown) == sorted(PUBLIC)


def test_the_stub_names_exactly_the_public_names() -> None:
    assert sorted(names_in_the_stub()) == sorted([*PUBLIC, "__version__"])


@pytest.mark.parametrize("name", [*PUBLIC, "__version__"])
def test_a_public_name_can_be_loaded(name: str) -> None:
    assert getattr(normlab, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    name = "BatchNormalisation"
    with pytest.raises(AttributeError, match=name):
        getattr(normlab, name)


def test_the_version_looks_like_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?(dev|a|b|rc)\d+)?", normlab.__version__)


@pytest.mark.parametrize("name", public_callables())
def test_a_public_class_function_or_method_has_a_docstring(name: str) -> None:
    doc = inspect.getdoc(public_callables()[name])
    assert doc
    assert doc.splitlines()[0].endswith((".", ":")) or "``" in doc.splitlines()[0]


@pytest.mark.parametrize(
    "name", [name for name, found in public_callables().items() if documented_parameters(found)]
)
def test_documented_parameters_are_those_of_the_signature(name: str) -> None:
    found = public_callables()[name]
    signature = [p for p in inspect.signature(found).parameters if p != "self"]
    assert sorted(documented_parameters(found)) == sorted(signature)


def test_parameters_are_found_in_docstrings() -> None:
    found = documented_parameters(normlab.BatchNorm)
    assert found[:3] == ["n_features", "axis", "convention"]
    assert {"scale", "shift"} <= set(found)
    assert documented_parameters(normlab.batches)[0] == "n_rows"


def test_an_init_of_three_parameters_or_more_is_documented() -> None:
    """In a section, or as the optimizers do in the summary: each name stands in the docstring."""
    for name, found in public_callables().items():
        if inspect.isclass(found) and "__init__" in vars(found):
            own = [p for p in inspect.signature(found.__init__).parameters if p != "self"]
            doc = " ".join(inspect.getdoc(cls) or "" for cls in found.__mro__[:-1])
            missing = [p for p in own if len(own) >= 3 and not re.search(rf"\b{p}\b", doc)]
            assert missing == [], name


def test_importing_the_root_imports_nothing_heavy() -> None:
    code = f"import sys, normlab; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_importing_the_root_does_not_import_its_parts() -> None:
    code = "import sys, normlab; print([m for m in sys.modules if m.startswith('normlab.')])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def drawn_tree() -> dict[str, tuple[str | None, str | None]]:
    """Return name -> (the class above it, the builtin in brackets), as the docstring draws it."""
    found: dict[str, tuple[str | None, str | None]] = {}
    path: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        match = re.match(
            r"^ {4}((?:│ {3}|├── |└── | {4})*)([A-Z]\w+)(?: \((\w+)\))?(?: {2,}|$)", line
        )
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            found[match[2]] = (path[depth - 1] if depth else None, match[3])
    return found


def real_tree() -> dict[str, tuple[str | None, str | None]]:
    classes = [cls for cls in vars(errors).values() if inspect.isclass(cls)]
    found: dict[str, tuple[str | None, str | None]] = {}
    for cls in classes:
        ours = [base.__name__ for base in cls.__bases__ if base in classes]
        builtin = [b.__name__ for b in cls.__bases__ if b not in classes and b is not Exception]
        found[cls.__name__] = (ours[0] if ours else None, builtin[0] if builtin else None)
    return found


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    assert drawn_tree() == real_tree()


def test_every_error_is_a_normlab_error_and_public() -> None:
    for name in real_tree():
        assert issubclass(getattr(normlab, name), errors.NormlabError)
