from typing import Any

import pytest

from figures.made_up import diverged, experiment, history, results
from lab.test_verdicts import claim
from normlab.lab import tables
from normlab.lab.verdicts import judge


def test_the_contrast_has_a_row_a_combination_of_the_other_levels() -> None:
    table = results().table()
    assert table.header == (
        *("weight_scale", "none", "batch", "difference", "95% interval", "diverged"),
    )
    assert table.rows[0] == ("1", "0.100", "0.800", "+0.700", "+0.452 to +0.948", "")
    assert len(table.rows) == 2


def test_the_contrast_counts_what_diverged() -> None:
    table = results(histories={(1.0, "none", 0): diverged(5)}).table()
    assert table.rows[0][-1] == "1 / 0"
    assert "diverged: replicates of none / of batch" in table.caption


def test_the_contrast_names_response_and_replicates() -> None:
    assert results().table().title == "Training accuracy, mean of 3 replicates"


def verdict_row(**changes: Any) -> tuple[str, ...]:
    design = experiment(claims=[claim(**changes)])
    found = results(design)
    return tables.verdicts([(design, found.verdicts())]).rows[0]


def test_a_verdict_always_has_its_numbers() -> None:
    assert verdict_row() == (
        *("made-up", "It helps.", "supported", "+0.700", "+0.452 to +0.948", "2 of 2", "3"),
    )


def test_a_ratio_is_told_as_a_factor() -> None:
    assert verdict_row(compare="ratio")[3:5] == ("\N{MULTIPLICATION SIGN} 7.96", "5.82 to 10.9")


def test_a_claim_on_some_combinations_tells_how_many_it_needs() -> None:
    assert verdict_row(at_least=1)[5] == "2 of 2 (1 needed)"


def test_a_verdict_on_nothing_has_no_effect() -> None:
    design = experiment(claims=[claim()])
    nothing = results(design, dict.fromkeys([(s, n, r) for s in (1.0, 0.1) for n in
                                             ("none", "batch") for r in range(3)]))  # fmt: skip
    assert tables.verdicts([(design, nothing.verdicts())]).rows[0][3:] == ("-", "-", "0 of 2", "0")


def test_the_set_up_leaves_out_what_varies_and_what_is_not_set() -> None:
    fields = {row[0]: row[1] for row in tables.set_up(experiment()).rows}
    assert fields["network.sizes"] == "4, 3, 2"
    assert "network.weight_init" not in fields
    assert "training.epochs" not in fields


def test_factors_are_told_with_fields_and_levels() -> None:
    assert tables.factors(experiment()).rows[0] == (
        *("weight_scale", "network.weight_init", "1, 0.1"),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.28, "+0.280"), (-0.004, "-0.004"), (250.0, "+250"), (0.0, "+0.000"), (-5e-5, "-5e-5")],
)
def test_numbers_with_a_sign(value: float, text: str) -> None:
    assert tables.signed(value) == text


def test_results_show_as_tables_in_a_notebook() -> None:
    html = results(experiment(claims=[claim()]))._repr_html_()
    assert html.count("<table>") == 2
    assert "supported" in html


def test_results_say_how_many_trials_there_are() -> None:
    assert repr(results()) == "Results('made-up': 12 of 12 trials)"


def test_judging_is_a_pure_function() -> None:
    found = results(experiment(claims=[claim()]))
    values, unreached = found.response("train_accuracy"), found.unreached("train_accuracy")
    before = values.copy()
    told = found.experiment.claims[0]
    masks = {"present": found.present(), "unreached": unreached}
    first = judge(told, found.experiment, values, **masks)
    assert judge(told, found.experiment, values, **masks) == first
    assert (values == before).all()


def test_a_history_of_one_record_is_a_trial() -> None:
    one = {(1.0, "none", 0): history((0.3,), steps=(1,))}
    assert results(histories=one).response("train_accuracy")[0, 0, 0] == 0.3
