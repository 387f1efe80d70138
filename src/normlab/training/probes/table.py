"""All probes by name."""

from normlab.training.probes.dead_units import dead_units
from normlab.training.probes.gradients import gradients
from normlab.training.probes.histograms import histograms
from normlab.training.probes.observation import Probe
from normlab.training.probes.projection import projection
from normlab.training.probes.settings import ProbeName
from normlab.training.probes.statistics import statistics
from normlab.training.probes.units import units
from normlab.training.probes.updates import updates
from normlab.training.probes.values import inputs, outputs

PROBES: dict[ProbeName, Probe] = {
    "inputs": inputs,
    "outputs": outputs,
    "units": units,
    "histograms": histograms,
    "gradients": gradients,
    "updates": updates,
    "dead-units": dead_units,
    "statistics": statistics,
    "projection": projection,
}
