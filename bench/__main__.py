"""Command line: ``python -m bench [--quick] [--only PART] [--docs]``, and files to write."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version, system
from time import perf_counter
from typing import Any

from llvmlite.binding import get_host_cpu_name
from threadpoolctl import threadpool_info

from bench import cnn_step, command, comparison, kernel, layer, markdown, points, scaling, sweep
from bench.points import Point
from bench.timing import HAS_JAX, HAS_TORCH, Result, table

ROOT = Path(__file__).parent.parent
RESULTS, TABLES = ROOT / "bench" / "results", ROOT / "docs" / "performance-tables.md"

PARTS: dict[str, Callable[[bool], Sequence[Result | Point]]] = {
    "sweep": sweep.run,
    "kernel": kernel.run,
    "layer": layer.run,
    "step": cnn_step.run,
    "command": command.run,
    "scaling": scaling.run,
}


def main() -> None:
    options = _options()
    start, about = perf_counter(), facts()
    found: list[Result | Point] = []
    for part in [options.only] if options.only else PARTS:
        found += PARTS[part](options.quick)
    results = [one for one in found if isinstance(one, Result)]
    curves = [one for one in found if isinstance(one, Point)]
    about["took"] = f"{perf_counter() - start:.0f} s"
    for path in filter(None, (options.json, stored(about) if options.docs else None)):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content(about, results, curves), indent=2) + "\n")
    for path in filter(None, (options.markdown, TABLES if options.docs else None)):
        path.write_text(markdown.page(about, results, curves), "utf-8")
    print("\n".join(f"{name}: {fact}" for name, fact in about.items()))
    print(table(results))
    if curves:
        print(f"\n{points.table(curves)}")
    print(f"\n{comparison.table(results)}")


def stored(about: dict[str, str]) -> Path:
    """Return where the results of a day and a processor are kept."""
    return RESULTS / f"{about['date'][:10]}-{get_host_cpu_name()}.json"


def content(
    about: dict[str, str], results: Sequence[Result], curves: Sequence[Point]
) -> dict[str, Any]:
    """Return what is written as JSON."""
    return {
        "facts": about,
        "results": [result._asdict() for result in results],
        "points": [points.as_json(point) for point in curves],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Time normlab beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, part of the sweep")
    parser.add_argument("--only", choices=PARTS, help="one of the parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables there")
    parser.add_argument("--docs", action="store_true", help="write both where they are kept")
    options = parser.parse_args()
    if options.docs and (options.quick or options.only):
        parser.error("--docs must be of the whole benchmark, got a part.")
    return options


def facts() -> dict[str, str]:
    """Return what the numbers depend on."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    installed = {"torch": HAS_TORCH, "jax": HAS_JAX}
    absent = [name for name, found in installed.items() if not found]
    libraries = ["numpy", "numba", *(name for name, found in installed.items() if found)]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{system()} {machine()}, {os.cpu_count()} processors ({get_host_cpu_name()})",
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in libraries),
        "blas": ", ".join(f"{b['internal_api']} {b['architecture']}" for b in blas),
    } | ({"not installed, left out": ", ".join(absent)} if absent else {})


if __name__ == "__main__":
    main()
