"""How long a person waits: for the import, for help, and for a whole run on two workers.

A command is a process of its own, from its start to its end. Where its time goes is told by when
its lines come on stderr. The same trainings alone, in two workers that have run before, are what
the command is measured against. The first command of a Numba cache compiles all kernels.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from subprocess import DEVNULL, PIPE, Popen, check_call
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, NamedTuple

from bench import limit, sweep
from bench.timing import Contender, Result, compare, say
from normlab import lab
from normlab.lab.config import TrialConfig
from normlab.lab.design import Design
from normlab.lab.engines import Engine, LocalWorkers
from normlab.lab.trial import timed_trial

START = "start of a process"
BARE = "Python alone"
IMPORT, NAMES, HELP = "import normlab", "import normlab, every name used", "help of the command"
STARTS = {
    BARE: ("-c", "pass"),
    IMPORT: ("-c", "import normlab"),
    NAMES: ("-c", "import normlab; [getattr(normlab, name) for name in normlab.__all__]"),
    HELP: ("-m", "normlab", "--help"),
}
GOALS = {IMPORT: 0.3, HELP: 0.4}
"""Seconds, less those of Python for an import."""

EXPERIMENT, WORKERS = "weight-scale", 2
RUN = f"normlab run {EXPERIMENT} --replicates 1, {WORKERS} workers"
TRAINING, WHOLE, COLD = "the trainings alone", "normlab, the whole command", "kernels compiled"
MOST_TIMES_THE_TRAINING = 2.5
MOST_SECONDS_TO_COMPILE = 20.0

FEW_STEPS = {"training.steps": 21}
"""Of a training, instead of 191, in a quick benchmark."""

TITLE, FIRST, LAST, WRITTEN = "trainings, stored in", "0/", "{n}/{n} trials", "Written:"
PARTS = (
    "of it: start, imports, the experiment",
    "of it: the folder",
    "of it: workers, their imports, training",
    "of it: figures and report",
    "of it: tables on the terminal, end of the process",
)
"""What lies before, between and after those lines."""

NAMES_OF_RUN = (TRAINING, WHOLE, *PARTS, COLD)


class Command(NamedTuple):
    """How long a command took, or its trainings alone."""

    seconds: float
    cpu: float  # of all its processes together; 0 where the system does not tell
    parts: tuple[float, ...] = ()


def run(quick: bool) -> list[Result]:
    """Time short processes, and whole runs."""
    return starts(rounds=2 if quick else 11) + (short_run() if quick else runs(rounds=3))


def starts(rounds: int) -> list[Result]:
    """Time processes that only import or answer."""
    contenders = [
        Contender(name, 1, partial(_process, arguments)) for name, arguments in STARTS.items()
    ]
    for contender in contenders:
        contender.run()  # which leaves compiled bytecode, as an installation does
    bare, *others = compare(START, contenders, rounds=rounds)
    return [bare, *(_judged(result, bare) for result in others)]


def _process(arguments: Sequence[str]) -> str:
    check_call([sys.executable, *arguments], env=_environment(), stdout=DEVNULL)
    return ""


def _environment() -> dict[str, str]:
    """Return that of a person, who lets Python keep the bytecode of what it has imported."""
    return {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _judged(result: Result, bare: Result) -> Result:
    """Take Python's own start off an import, and say what the goal is."""
    if result.name != HELP:
        result = result._replace(
            seconds=result.seconds - bare.seconds,
            fastest=result.fastest - bare.fastest,
            note="less Python alone",
        )
    goal = GOALS.get(result.name)
    notes = [result.note, "" if goal is None else against(goal, result.seconds)]
    return result._replace(note=", ".join(filter(None, notes)))


def against(goal: float, value: float, unit: str = " s") -> str:
    """Say what the goal is, and whether it is missed."""
    return f"goal {goal:g}{unit}" + (", missed" if value > goal else "")


def runs(rounds: int) -> list[Result]:
    """Time in turn the command with an empty cache, with that cache, and its trainings."""
    configs = _configs({})
    cold: list[Command] = []
    whole: list[Command] = []
    alone: list[Command] = []
    with LocalWorkers(WORKERS) as workers:
        workers.prepare(configs)
        _train(workers, configs)  # loads data and kernels
        for i in range(rounds):
            say(f"{RUN}: round {i + 1} of {rounds}")
            with TemporaryDirectory() as cache:
                cold.append(_command({}, len(configs), cache))
                whole.append(_command({}, len(configs), cache))
            alone.append(_train(workers, configs))
    work = limit.training_work(sweep.SIZES, len(configs))
    return results(alone, whole, cold) + limit.at_best(RUN, work, cores=[WORKERS])


def short_run() -> list[Result]:
    """Time the command and its trainings once, with few steps and with kernels compiled before."""
    configs = _configs(FEW_STEPS)
    say(f"{RUN}: few steps")
    with LocalWorkers(WORKERS) as workers:
        workers.prepare(configs)
        _train(workers, configs)  # loads data and kernels
        alone, whole = _train(workers, configs), _command(FEW_STEPS, len(configs))
    job = f"{RUN}, {configs[0].training.steps} steps"
    rows = [
        (TRAINING, alone.seconds),
        (WHOLE, whole.seconds),
        *zip(PARTS, whole.parts, strict=True),
    ]
    return [Result(job, name, WORKERS, seconds, seconds, "") for name, seconds in rows]


def results(
    alone: Sequence[Command], whole: Sequence[Command], cold: Sequence[Command]
) -> list[Result]:
    """Return the trainings alone, the command and its parts, and what compiling adds."""
    trainings = [one.seconds for one in alone]
    seconds = [one.seconds for one in whole]
    parts = list(zip(*(one.parts for one in whole), strict=True))
    times = median(seconds) / median(trainings)
    goal = against(MOST_TIMES_THE_TRAINING, times, " times")
    compiling = [one.seconds - median(seconds) for one in cold]
    added = against(MOST_SECONDS_TO_COMPILE, median(compiling))
    rows = [
        (TRAINING, trainings, f"in workers that have run before; {_processors(alone)}"),
        (WHOLE, seconds, f"{times:.2f} times the trainings, {goal}; {_processors(whole)}"),
        *((name, own, "") for name, own in zip(PARTS, parts, strict=True)),
        (COLD, compiling, f"on top, once; {added}"),
    ]
    return [Result(RUN, name, WORKERS, median(own), min(own), note) for name, own, note in rows]


def _processors(commands: Sequence[Command]) -> str:
    """Return a time that says less of what else the machine was doing."""
    return f"{median(one.cpu for one in commands):.1f} s of processors"


def _configs(fields: Mapping[str, Any]) -> list[TrialConfig]:
    design = Design(lab.load(EXPERIMENT, {"replicates": 1, **fields}))
    return [design.config(i) for i in range(len(design))]


def _train(workers: Engine, configs: Sequence[TrialConfig]) -> Command:
    """Run the trainings."""
    start = perf_counter()
    futures = [workers.submit(_cpu_of_trial, config) for config in configs]
    cpu = sum(future.result() for future in futures)
    return Command(perf_counter() - start, cpu)


def _cpu_of_trial(config: TrialConfig) -> float:
    start = process_time()
    timed_trial(config)
    return process_time() - start


def _command(fields: Mapping[str, Any], n_trials: int, cache: str | None = None) -> Command:
    """Run the command in an empty folder; the cache is the usual one where none is given."""
    options = ["run", EXPERIMENT, "--replicates", "1", "--workers", str(WORKERS)]
    options += [f"--set={name}={value}" for name, value in fields.items()]
    environment = _environment() | ({} if cache is None else {"NUMBA_CACHE_DIR": cache})
    marks = [TITLE, FIRST, LAST.format(n=n_trials), WRITTEN]
    with TemporaryDirectory() as folder:
        start, cpu = perf_counter(), _cpu()
        process: Any = Popen(
            [sys.executable, "-m", "normlab", *options],
            cwd=folder,
            env=environment,
            stdout=DEVNULL,
            stderr=PIPE,
            text=True,
        )
        moments = [start]
        for line in process.stderr:
            if len(moments) <= len(marks) and marks[len(moments) - 1] in line:
                moments.append(perf_counter())
        code = process.wait()
        moments.append(perf_counter())
    if code or len(moments) != len(PARTS) + 1:
        raise RuntimeError(f"{' '.join(process.args)} ended with {code}.")
    parts = tuple(b - a for a, b in pairwise(moments))
    return Command(moments[-1] - start, _cpu() - cpu, parts)


def _cpu() -> float:
    """Return the seconds of processors that ended child processes have taken."""
    times = os.times()
    return times.children_user + times.children_system
