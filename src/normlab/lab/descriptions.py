"""What an experiment records, measures and draws, in sentences."""

from typing import Any

from normlab.lab import words
from normlab.lab.claims import Claim
from normlab.lab.experiment import Experiment
from normlab.lab.factors import Level, find_level
from normlab.lab.figure_spec import FigureSpec
from normlab.lab.responses import ResponseSpec

PARTS = {"train": "training images", "test": "test images", "batch": "the step's batch"}

DRAWN = {
    "learning-curves": "{response} over training",
    "small-multiples": "{response} over training",
    "response-against-factor": "{response} over {x}",
    "heat-map": "{response} over {x} and {y}",
    "histograms": "outputs of {layer} over training",
    "percentile-bands": "percentiles of the input of unit {unit} of {layer} over training",
    "gradient-norms": "gradient norm by layer at the {step} probed step",
}


REDUCED = {
    "range": "range of {what} over {factor}",
    "mean": "mean of {what} over {factor}",
    "min": "smallest {what} over {factor}",
    "max": "largest {what} over {factor}",
    "largest": "largest {factor} at which {what} is at least {value}",
}


def recording(experiment: Experiment) -> list[str]:
    """Return when accuracy and loss are measured, and on what; when probes watch, and what."""
    training, recording = experiment.training, experiment.training.recording
    first = recording.first_step
    start = "the last step of the first epoch, or of all" if first is None else f"step {first}"
    when = {"always": "each time", "last": "the last time only"}
    parts = [
        f"{what} {when[asked]}"
        for part, what in PARTS.items()
        if (asked := getattr(recording, part)) in when
    ]
    found = [
        f"accuracy and loss after {start}, then every {_every(recording.every)}:"
        f" {', '.join(parts) or 'nothing'}"
    ]
    if training.probes.names:
        probes = training.probes
        found.append(
            f"probes at step {probes.first_step}, then every {_every(probes.every)}:"
            f" {', '.join(probes.names)}"
        )
    return found


def response(spec: ResponseSpec) -> str:
    """Return what a response of an experiment's own is."""
    if spec.kind == "steps-to-reach":
        return f"{spec.label}: first recorded step with {spec.quantity} at {spec.value:g} or better"
    chosen = "; ".join(f"{axis} {words.short(labels)}" for axis, labels in spec.select.items())
    layers = "layer" if spec.skip == 1 else "layers"
    skipped = f", without {spec.skip} {layers} at each end" if spec.skip else ""
    return f"{spec.label}: {spec.kind} of {spec.series}{f' ({chosen})' if chosen else ''}{skipped}"


def judging(experiment: Experiment, claim: Claim) -> str:
    """Return what a claim compares and when it holds, in two sentences."""
    many = claim.at_least
    where = "" if many is None else f", at {many} or more combinations of levels"
    return f"{compared(experiment, claim)}. {rule(claim)}{where}."


def compared(experiment: Experiment, claim: Claim) -> str:
    """Return what is compared: ``"Test accuracy, with batch normalization minus without"``."""
    what = experiment.all_responses()[claim.response].words
    if claim.over is not None:
        factor, value = words.label(experiment, claim.over.factor), claim.over.value
        shown = words.number(value) if value is not None else ""
        what = REDUCED[claim.over.reduce].format(what=what, factor=factor, value=shown)
    if claim.compare != "value":
        name, baseline, treatment = claim.pair(experiment.contrast)
        verb = "minus" if claim.compare == "difference" else "divided by"
        first, second = (_name(experiment, name, level) for level in (treatment, baseline))
        what = f"{what}, {first} {verb} {second}"
    where = [_where(experiment, name, wanted) for name, wanted in claim.where.items()]
    return words.capitalized(", ".join([what, *where]))


def rule(claim: Claim) -> str:
    """Return when a claim holds: ``"Holds where the whole 95% interval lies above 0.1"``."""
    low, high = (words.number(claim.told(bound)) for bound in claim.bounds)
    place = {"larger": f"above {low}", "smaller": f"below {high}"}
    where = place.get(claim.direction, f"between {low} and {high}")
    return f"Holds where the whole 95% interval lies {where}"


def figure(spec: FigureSpec) -> str:
    """Return what a figure shows."""
    what = DRAWN[spec.kind].format(**spec.model_dump())
    split = [
        f"a {kind[:-1]} a level of {name}"
        for kind in ("panels", "lines")
        if (name := getattr(spec, kind))
    ]
    return ", ".join([what, *split])


def quick(experiment: Experiment) -> str:
    """Return the fields that the quick setting sets."""
    return ", ".join(f"{field} = {_value(value)}" for field, value in experiment.quick.items())


def _value(value: Any) -> str:
    """Return what a field is set to; levels that set several fields by their names."""
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if not isinstance(value, dict):
        return words.short(value)
    if "name" in value:
        return _value(value["name"])
    return f"{{{', '.join(f'{name} = {_value(inner)}' for name, inner in value.items())}}}"


def _every(every: int | None) -> str:
    return "epoch" if every is None else f"{every} steps" if every > 1 else "step"


def _name(experiment: Experiment, name: str, level: Level) -> str:
    return words.level_names(experiment, name)[experiment.factors[name].place(level)]


def _where(experiment: Experiment, name: str, wanted: Level | tuple[Level, ...]) -> str:
    """Return the levels at which a claim looks, those that there are: ``"at w = 1 or 0.54"``."""
    factor = experiment.factors[name]
    asked = wanted if isinstance(wanted, tuple) else (wanted,)
    found = [i for level in asked if (i := find_level(factor.values, level)) is not None]
    if len(found) == 1:
        condition = words.conditions(experiment, name)[found[0]]
        return f"at {condition}" if " = " in condition else condition
    texts = words.texts(factor)
    return f"at {words.symbol(experiment, name)} = {' or '.join(texts[i] for i in found)}"
