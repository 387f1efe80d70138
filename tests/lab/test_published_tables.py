"""What a source prints in its table, cell by cell beside what was measured."""

from typing import Any

import pytest

from figures.made_up import experiment, history, results
from normlab.lab import Results
from normlab.lab.published_tables import compare

PRINTED = ((1.0, "none", "10%"), (1.0, "batch", "80%"), (0.1, "none", "does not converge"))
"""0.1 and 0.8 are there; 0.1 at the other scale too."""


def cell(scale: float, normalization: str, published: str | None, **changes: Any) -> dict[str, Any]:
    """A claim that the accuracy there is 0.8, to 0.3."""
    return {
        "statement": f"It prints {published}.",
        "about": "made up",
        "source": "a table",
        "response": "train_accuracy",
        "compare": "value",
        "direction": "equal",
        "value": 0.8,
        "tolerance": 0.3,
        "where": {"weight_scale": scale, "normalization": normalization},
        "published": published,
        **changes,
    }


def printed(*cells: tuple[float, str, str], **changes: Any) -> Results:
    """Accuracies of 0.1 without, 0.7 to 0.9 with normalization, and claims of these cells."""
    return results(experiment(claims=[cell(*one) for one in cells or PRINTED], **changes))


def test_a_published_table_is_all_levels_of_the_two_factors_in_their_order() -> None:
    (table,) = compare(printed())
    assert table.factors == ("weight_scale", "normalization")
    assert [tuple(cell.levels.values()) for cell in table.cells] == [
        *((1.0, "none"), (1.0, "batch"), (0.1, "none"), (0.1, "batch")),
    ]


def test_a_cell_has_what_was_published_and_what_was_measured() -> None:
    (table,) = compare(printed())
    assert (table.cells[1].published, table.cells[1].answer) == ("80%", "supported")
    assert table.cells[1].measured.mean == pytest.approx(0.8)


def test_the_number_of_a_cell_is_that_of_its_verdict() -> None:
    (table,) = compare(printed())
    effects = [cell.verdict.effect for cell in table.cells if cell.verdict]
    assert [cell.measured for cell in table.cells[:3]] == effects


def test_a_cell_that_was_not_published_has_our_number_alone() -> None:
    (table,) = compare(printed())
    assert (table.cells[3].published, table.cells[3].answer) == (None, None)
    assert table.cells[3].measured.mean == pytest.approx(0.8)


def test_the_order_of_the_claims_does_not_move_the_cells() -> None:
    forwards, backwards = compare(printed()), compare(printed(*PRINTED[::-1]))
    assert [c.levels for c in forwards[0].cells] == [c.levels for c in backwards[0].cells]
    assert [c.published for c in forwards[0].cells] == [c.published for c in backwards[0].cells]


def test_levels_that_all_published_cells_have_are_not_varied() -> None:
    (table,) = compare(printed((0.1, "none", "10%"), (0.1, "batch", "80%")))
    assert table.factors == ("normalization",)
    assert table.shared == {"weight_scale": 0.1}
    assert [cell.levels["normalization"] for cell in table.cells] == ["none", "batch"]


def test_one_published_cell_is_a_table() -> None:
    (table,) = compare(printed((0.1, "batch", "80%")))
    assert [tuple(cell.levels.values()) for cell in table.cells] == [(0.1, "batch")]


def of_three_factors(*places: tuple[float, str, float]) -> Results:
    design = experiment()
    factors = {name: factor.model_dump() for name, factor in design.factors.items()}
    factors["rate"] = {"field": "training.learning_rate", "levels": [0.1, 1.0]}
    claims = []
    for scale, normalization, rate in places:
        where = {"weight_scale": scale, "normalization": normalization, "rate": rate}
        claims.append(cell(scale, normalization, "80%", where=where))
    return results(experiment(factors=factors, claims=claims))


def test_cells_that_differ_in_three_factors_are_those_that_were_published() -> None:
    places = ((0.1, "batch", 1.0), (1.0, "none", 0.1))
    (table,) = compare(of_three_factors(*places))
    assert tuple(tuple(cell.levels.values()) for cell in table.cells) == places
    assert all(cell.verdict for cell in table.cells)


def test_a_third_factor_stays_at_the_published_level() -> None:
    (table,) = compare(of_three_factors((0.1, "batch", 1.0), (1.0, "none", 1.0)))
    assert len(table.cells) == 4
    assert table.shared == {"rate": 1.0}


def test_each_response_has_a_table_of_its_own() -> None:
    other = cell(1.0, "none", "2.3", response="train_loss")
    found = compare(results(experiment(claims=[cell(*PRINTED[0]), other])))
    assert [table.response for table in found] == ["train_accuracy", "train_loss"]


def test_a_cell_whose_level_is_no_longer_there_is_left_out() -> None:
    factors = {name: factor.model_dump() for name, factor in experiment().factors.items()}
    factors["weight_scale"]["levels"] = [1.0, 0.5]
    (table,) = compare(printed(factors=factors))
    assert [cell.verdict is not None for cell in table.cells] == [True, True, False, False]
    factors["weight_scale"]["levels"] = [0.5]
    assert compare(printed(factors=factors)) == ()


def test_a_level_that_is_close_is_the_published_one() -> None:
    (table,) = compare(printed((1.0 + 1e-9, "none", "10%")))
    assert table.cells[0].levels["weight_scale"] == 1.0
    assert table.cells[0].verdict is not None


def test_claims_without_a_printed_value_make_no_table() -> None:
    assert compare(results(experiment(claims=[cell(1.0, "none", None)]))) == ()


def test_a_trial_that_is_missing_is_left_out_of_the_mean() -> None:
    design = experiment(claims=[cell(*PRINTED[1])])
    found = results(design, {(1.0, "batch", 0): None, (1.0, "batch", 1): history((0.1, 0.1, 0.5))})
    (table,) = compare(found)
    assert table.cells[0].measured.n_pairs == 2
    assert table.cells[0].measured.mean == pytest.approx(0.7)


def test_results_give_it_as_a_table_for_people() -> None:
    table = printed().published_table()
    assert table.header == (
        *("response", "weight_scale", "normalization"),
        *("published", "here", "95% interval", "verdict"),
    )
    assert table.rows[1] == (
        *("training accuracy", "1", "batch", "80%", "0.800", "0.552 to 1.05", "supported"),
    )
    assert table.rows[3][3:] == ("not published", "0.800", "0.552 to 1.05", "")
    assert "3 replicates" in table.title


def test_a_notebook_shows_it_where_there_is_one() -> None:
    assert "does not converge" in printed()._repr_html_()
    assert "not published" not in results()._repr_html_()
    assert results().published_table().rows == ()
