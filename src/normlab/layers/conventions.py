"""What the systems in use mean by batch normalization, by name."""

from typing import Literal, NamedTuple, TypeAlias

ConventionName: TypeAlias = Literal["paper", "pytorch", "keras", "onnx", "book"]


class Convention(NamedTuple):
    """The choices that the formula leaves open."""

    eps: float  # added to the variance
    decay: float  # weight of the old running value
    ddof: int  # of the running variance: 1 unbiased, 0 biased
    initial_var: float  # what the running variance starts at; the running mean starts at 0
    given: bool = False  # whether the statistics come from outside, so that none are missing


CONVENTIONS: dict[ConventionName, Convention] = {
    "paper": Convention(eps=1e-5, decay=0.9, ddof=1, initial_var=1.0),
    "pytorch": Convention(eps=1e-5, decay=0.9, ddof=1, initial_var=1.0),
    "keras": Convention(eps=1e-3, decay=0.99, ddof=0, initial_var=1.0),
    "onnx": Convention(eps=1e-5, decay=0.9, ddof=0, initial_var=1.0, given=True),
    "book": Convention(eps=1e-6, decay=0.9, ddof=0, initial_var=0.0),
}
