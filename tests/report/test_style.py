"""The style sheet: text stands out from what is behind it, as WCAG 2.2 asks at level AA."""

import re

import pytest

from normlab.report.pages import TEMPLATES, minus

CSS = (TEMPLATES / "page.css").read_text("utf-8")
SCHEMES = [
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
]


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES, ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(scheme: dict[str, str]) -> None:
    pairs = [(text, behind) for text in ("ink", "soft", "link") for behind in ("paper", "card")]
    pairs += [(name, f"{name}-tint") for name in ("supported", "contradicted", "undecided")]
    pairs += [("ink", "supported-tint"), ("ink", "contradicted-tint")]
    found = {pair: contrast(scheme[pair[0]], scheme[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def test_both_schemes_have_the_same_colors() -> None:
    light, dark = SCHEMES
    assert set(light) == set(dark)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0.5 to -0.1", "~0.5 to ~0.1"),
        ("6.3e-4", "6.3e~4"),
        ("2026-11-22", "2026-11-22"),
        ("Linux-6.18", "Linux-6.18"),
        ("a-1", "a-1"),
    ],
)
def test_only_the_signs_of_numbers_become_minus_signs(text: str, shown: str) -> None:
    assert minus(text) == shown.replace("~", "\N{MINUS SIGN}")
