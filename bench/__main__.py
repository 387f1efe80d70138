"""Command line: ``python -m bench [--quick] [--only PART] [--json FILE] [--markdown FILE]``."""

import argparse
import json
import os
from importlib.metadata import version
from pathlib import Path
from platform import machine, python_version, system

from llvmlite.binding import get_host_cpu_name
from threadpoolctl import threadpool_info

from bench import cnn_step, kernel, markdown, sweep
from bench.timing import HAS_JAX, HAS_TORCH, Result, table

PARTS = {"sweep": sweep.run, "kernel": kernel.run, "step": cnn_step.run}


def main() -> None:
    options = _options()
    facts = _facts()
    results: list[Result] = []
    for part in [options.only] if options.only else PARTS:
        results += PARTS[part](options.quick)
    if options.json:
        content = {"facts": facts, "results": [result._asdict() for result in results]}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown.page(facts, results), "utf-8")
    print("\n".join(f"{name}: {fact}" for name, fact in facts.items()))
    print(table(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Time normlab beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, part of the sweep")
    parser.add_argument("--only", choices=PARTS, help="one of the parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    help_markdown = "also write README's tables there"
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=help_markdown)
    return parser.parse_args()


def _facts() -> dict[str, str]:
    """Return what the numbers depend on."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    installed = {"torch": HAS_TORCH, "jax": HAS_JAX}
    absent = [name for name, found in installed.items() if not found]
    libraries = ["numpy", "numba", *(name for name, found in installed.items() if found)]
    return {
        "machine": f"{system()} {machine()}, {os.cpu_count()} processors ({get_host_cpu_name()})",
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in libraries),
        "blas": ", ".join(f"{b['internal_api']} {b['architecture']}" for b in blas),
    } | ({"not installed, left out": ", ".join(absent)} if absent else {})


if __name__ == "__main__":
    main()
