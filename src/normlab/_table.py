"""A table as a value: text in a terminal, HTML in a notebook, Markdown on a page."""

from collections.abc import Iterator
from html import escape
from typing import NamedTuple


class Table(NamedTuple):
    """Texts in rows under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    caption: str = ""
    numbers_from: int = 1  # the columns from here on are aligned to the right
    total: tuple[str, ...] = ()  # a last row, under a rule

    def __str__(self) -> str:
        totals = [self.total] if self.total else []
        rows = [self.header, *self.rows, *totals]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        header, *lines = [self._line(row, widths) for row in rows]
        rule = "-" * max(map(len, [header, *lines]))
        if totals:
            lines.insert(-1, rule)
        parts = [self.title, header, rule, *lines, self.caption]
        return "\n".join(part for part in parts if part)

    def _repr_html_(self) -> str:
        """Return the table as static HTML, which notebooks show."""
        return "".join(self._html())

    def markdown(self) -> str:
        """Return the table as Markdown, for a page such as a README."""
        sides = ["---:" if self._side(i) == "right" else "---" for i in range(len(self.header))]
        rows = [self.header, tuple(sides), *self.rows]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells)

    def _html(self) -> Iterator[str]:
        yield "<table>"
        if self.title:
            yield f"<caption>{escape(self.title)}</caption>"
        yield f"<thead>{self._html_row(self.header, 'th')}</thead><tbody>"
        for row in self.rows:
            yield self._html_row(row, "td")
        yield "</tbody>"
        if self.total:
            yield f"<tfoot>{self._html_row(self.total, 'th')}</tfoot>"
        yield "</table>"
        if self.caption:
            yield f"<p>{escape(self.caption)}</p>"

    def _html_row(self, row: tuple[str, ...], cell: str) -> str:
        cells = [
            f'<{cell} style="text-align: {self._side(i)}">{escape(text)}</{cell}>'
            for i, text in enumerate(row)
        ]
        return f"<tr>{''.join(cells)}</tr>"

    def _line(self, row: tuple[str, ...], widths: list[int]) -> str:
        cells = [
            f"{text:{'<' if self._side(i) == 'left' else '>'}{width}}"
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    def _side(self, column: int) -> str:
        return "right" if column >= self.numbers_from else "left"
