from figures.made_up import NAN
from normlab.figures import sentences


def test_a_range_names_its_ends() -> None:
    text = sentences.span([0.5, NAN, 0.25, 1.0], ["a", "b", "c", "d"])
    assert text == "between 0.25 (c) and 1 (d)"


def test_one_value_throughout_is_said_once() -> None:
    assert sentences.span([0.5, 0.50001]) == "0.5 throughout"
    assert sentences.span([0.5]) == "0.5"


def test_a_value_that_others_lack_is_named() -> None:
    assert sentences.span([NAN, 0.5], ["a", "b"]) == "0.5 (b alone)"


def test_nothing_finite_is_nothing_measured() -> None:
    assert sentences.span([NAN]) == sentences.course([]) == "nothing measured"


def test_a_course_has_its_ends_and_what_lies_beyond_them() -> None:
    assert sentences.course([0.1, 0.5]) == "from 0.1 to 0.5"
    assert sentences.course([0.5, 0.1, 0.9, 0.4]) == "from 0.5 to 0.4, lowest 0.1, highest 0.9"
    assert sentences.course([0.1, 0.1]) == "0.1 throughout"


def test_few_levels_are_named_and_many_counted() -> None:
    assert sentences.levels(["a", "b"]) == "a, b"
    assert sentences.levels(["1", "2", "3", "4"]) == "4 levels from 1 to 4"


def test_trials_are_counted_where_there_are_some() -> None:
    assert sentences.counted("diverged", ["a", "b"], [0, 2], [3, 3]) == (
        "Trials that diverged: b: 2 of 3."
    )
    assert sentences.counted("diverged", ["a"], [0], [3]) == ""


def test_a_symbol_stays_small_at_the_start() -> None:
    assert sentences.sentence("w = 1") == "w = 1."
    assert sentences.sentence("test accuracy") == "Test accuracy."
