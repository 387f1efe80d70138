from normlab._table import Table

SCORES = Table(("name", "value"), (("a", "1.5"), ("longer", "-")), "Scores", "of two")


def test_a_table_is_aligned_text() -> None:
    assert str(SCORES) == (
        "Scores\n"
        "name    value\n"
        "-------------\n"
        "a         1.5\n"
        "longer      -\n"
        "of two"
    )  # fmt: skip


def test_a_table_without_rows_is_its_header() -> None:
    assert str(Table(("a", "b"), ())) == "a  b\n----"


def test_a_table_is_static_html() -> None:
    html = SCORES._repr_html_()
    assert html.startswith("<table><caption>Scores</caption><thead><tr><th")
    assert '<td style="text-align: right">1.5</td>' in html
    assert html.endswith("</table><p>of two</p>")


def test_html_is_escaped() -> None:
    html = Table(("<b>",), (("<script>",),), "&", '"')._repr_html_()
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_table_is_markdown() -> None:
    table = Table(("name", "value"), (("a|b", "1.5"),))
    assert table.markdown() == "| name | value |\n| --- | ---: |\n| a\\|b | 1.5 |"


def test_a_total_stands_under_a_rule() -> None:
    counted = Table(("what", "n"), (("a", "1"), ("b", "2")), total=("all", "3"))
    assert str(counted).splitlines()[2:] == ["a     1", "b     2", "-------", "all   3"]
    assert "<tfoot><tr><th" in counted._repr_html_()
