"""Where the parts of an experiment do not fit together: what names a factor, a level, a response.

Each mistake is a line that begins with its place in the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

from normlab.lab.claims import Claim, Over
from normlab.lab.experiment import Experiment
from normlab.lab.export import PROBE_COLUMNS, RECORD_COLUMNS
from normlab.lab.factors import Level, find_level
from normlab.lab.figure_spec import FACTOR_FIELDS, NEEDS, OF_A_QUANTITY, FigureSpec
from normlab.lab.responses import BUILT_IN, QUANTITIES, SERIES, ResponseSpec

COLUMNS = {*RECORD_COLUMNS, *PROBE_COLUMNS}
"""Of exported tables, in which one of the same name would overwrite another."""


def misfits(experiment: Experiment, *, levels_changed: bool = False) -> Iterator[str]:
    """Yield every part of an experiment that does not fit the others.

    Where levels were changed after the file was written (``--quick``, ``--set``), claims and
    figures may name levels that are no longer there: the claim will be undecided.
    """
    yield from _of_factors(experiment)
    yield from _of_contrast(experiment)
    for name, spec in experiment.responses.items():
        yield from _of_response(experiment, name, spec)
    for i, claim in enumerate(experiment.claims):
        yield from _of_claim(experiment, claim, f"claims.{i}")
        if not levels_changed:
            yield from _levels(experiment, claim.where, f"claims.{i}.where")
            yield from _of_at_least(experiment, claim, f"claims.{i}.at_least")
    for i, figure in enumerate(experiment.figures):
        yield from _of_figure(experiment, figure, i)
        if not levels_changed:
            yield from _levels(experiment, figure.at, f"figures.{i}.at")


def _of_factors(experiment: Experiment) -> Iterator[str]:
    if not experiment.factors:
        yield "factors: must name one factor at least, got none"
    taken = {*COLUMNS, *BUILT_IN, *experiment.responses}
    for name, factor in experiment.factors.items():
        if not name.isidentifier() or name in taken:
            yield (
                "factors: must have names of letters, digits and _ that neither a response nor"
                f" another column of an exported table has, got {name!r}"
            )
        others = [f for n, other in experiment.factors.items() if n != name for f in other.fields]
        for field in factor.fields:
            if any(_is_within(field, f) or _is_within(f, field) for f in others):
                yield f"factors.{name}.field: must not be another factor's, got {field!r}"


def _is_within(field: str, whole: str) -> bool:
    """Return whether a field is ``whole``, or in that table."""
    return f"{field}.".startswith(f"{whole}.")


def _of_contrast(experiment: Experiment) -> Iterator[str]:
    contrast = experiment.contrast
    yield from _not_one_of("contrast.factor", contrast.factor, experiment.factors, "factors")
    yield from _response(experiment, "contrast.response", contrast.response)
    for part in ("baseline", "treatment"):
        level = getattr(contrast, part)
        yield from _level(experiment, f"contrast.{part}", contrast.factor, level)
    if contrast.baseline == contrast.treatment:
        yield f"contrast.treatment: must not be the baseline, got {contrast.treatment!r}"


def _of_response(experiment: Experiment, name: str, spec: ResponseSpec) -> Iterator[str]:
    place = f"responses.{name}"
    if not name.isidentifier() or name in {*BUILT_IN, *COLUMNS}:
        yield (
            f"{place}: must have a name of letters, digits and _ that is neither built in nor"
            " another column of an exported table"
        )
    if spec.quantity is not None:
        yield from _not_one_of(
            f"{place}.quantity", spec.quantity, QUANTITIES, "recorded quantities"
        )
        yield from _not_recorded(experiment, f"{place}.quantity", [spec.quantity], only="always")
    if spec.series is not None:
        yield from _not_one_of(f"{place}.series", spec.series, SERIES, "series")
        yield from _not_probed(experiment, f"{place}.series", spec.series)
        for axis in spec.select:
            axes = SERIES[spec.series].axes if spec.series in SERIES else ()
            yield from _not_one_of(f"{place}.select", axis, axes, f"axes of {spec.series}")


def _of_claim(experiment: Experiment, claim: Claim, place: str) -> Iterator[str]:
    factor = claim.factor or experiment.contrast.factor
    yield from _response(experiment, f"{place}.response", claim.response)
    yield from _not_one_of(f"{place}.factor", factor, experiment.factors, "factors")
    for part in ("baseline", "treatment"):
        if (level := getattr(claim, part)) is not None:
            yield from _level(experiment, f"{place}.{part}", factor, level)
    compared = None if claim.compare == "value" else factor
    if claim.over is not None:
        yield from _of_over(experiment, claim.over, f"{place}.over")
    named = {"over": claim.over.factor} if claim.over else {}
    for field, name in [*named.items(), *(("where", name) for name in claim.where)]:
        if name == compared:
            yield f"{place}.{field}: must not name the factor that is compared, got {name!r}"
    for name in claim.where:
        yield from _not_one_of(f"{place}.where", name, experiment.factors, "factors")
    if claim.published is not None:
        yield from _of_published(experiment, claim, place)


def _of_published(experiment: Experiment, claim: Claim, place: str) -> Iterator[str]:
    for name in experiment.factors:
        if name not in claim.where:
            yield f"{place}.where: must name a level of {name!r} too, as the claim has published"
    same = [
        other
        for other in experiment.claims
        if other.published is not None
        and (other.response, other.where) == (claim.response, claim.where)
    ]
    if same[0] is not claim:
        yield f"{place}.published: must not be of a cell that a claim before it is of"


def _of_over(experiment: Experiment, over: Over, place: str) -> Iterator[str]:
    yield from _not_one_of(f"{place}.factor", over.factor, experiment.factors, "factors")
    values = experiment.levels.get(over.factor, ())
    if over.reduce == "largest" and any(isinstance(v, str | bool) for v in values):
        yield f"{place}.factor: must have numbers as levels for 'largest', got {[*values]}"


def _of_at_least(experiment: Experiment, claim: Claim, place: str) -> Iterator[str]:
    compared = claim.factor or experiment.contrast.factor
    gone = {claim.over.factor if claim.over else "", "" if claim.compare == "value" else compared}
    counts = {name: len(levels) for name, levels in experiment.levels.items()}
    for name, wanted in claim.where.items():
        counts[name] = len(wanted) if isinstance(wanted, tuple) else 1
    there = prod(count for name, count in counts.items() if name not in gone)
    if claim.at_least is not None and claim.at_least > there:
        yield f"{place}: must be at most {there}, the combinations, got {claim.at_least}"


def _of_figure(experiment: Experiment, figure: FigureSpec, i: int) -> Iterator[str]:
    place = f"figures.{i}"
    for field in FACTOR_FIELDS:
        if (name := getattr(figure, field)) is not None:
            yield from _not_one_of(f"{place}.{field}", name, experiment.factors, "factors")
    for name in figure.at:
        yield from _not_one_of(f"{place}.at", name, experiment.factors, "factors")
    if figure.response is not None:
        yield from _response(experiment, f"{place}.response", figure.response)
        if figure.kind in OF_A_QUANTITY:
            what = "recorded quantities, which have curves"
            yield from _not_one_of(f"{place}.response", figure.response, QUANTITIES, what)
    probe = NEEDS[figure.kind].probe
    if probe is not None and probe not in experiment.training.probes.names:
        yield f"{place}.kind: must have {probe!r} in training.probes.names, for {figure.kind!r}"
    if figure.file in [other.file for other in experiment.figures[:i]]:
        yield f"{place}.file: must not be another figure's, got {figure.file!r}"


def _response(experiment: Experiment, place: str, name: str) -> Iterator[str]:
    known = experiment.all_responses()
    yield from _not_one_of(place, name, known, "responses")
    if name in known:
        yield from _not_recorded(experiment, place, known[name].quantities)


def _levels(
    experiment: Experiment, levels: Mapping[str, Level | tuple[Level, ...]], place: str
) -> Iterator[str]:
    for name, wanted in levels.items():
        for level in wanted if isinstance(wanted, tuple) else (wanted,):
            yield from _level(experiment, f"{place}.{name}", name, level)


def _level(experiment: Experiment, place: str, factor: str, level: Level) -> Iterator[str]:
    values = experiment.levels.get(factor)
    if values is not None and find_level(values, level) is None:
        yield f"{place}: must be one of the levels {[*values]}, got {level!r}"


def _not_one_of(place: str, name: str, known: Iterable[Any], what: str) -> Iterator[str]:
    if name not in known:
        yield f"{place}: must be one of the {what} {[*known]}, got {name!r}"


def _not_recorded(
    experiment: Experiment, place: str, quantities: Iterable[str], only: str = ""
) -> Iterator[str]:
    for name in quantities:
        part = QUANTITIES[name].part if name in QUANTITIES else "train"
        when = getattr(experiment.training.recording, part)
        if when == "never" or (only and when != only):
            rule = f"be recorded {only}".rstrip()
            yield f"{place}: must {rule}, got {name!r} with training.recording.{part} = {when!r}"


def _not_probed(experiment: Experiment, place: str, series: str) -> Iterator[str]:
    probe = SERIES[series].probe if series in SERIES else None
    if probe is not None and probe not in experiment.training.probes.names:
        yield f"{place}: must have {probe!r} in training.probes.names, got {series!r}"
