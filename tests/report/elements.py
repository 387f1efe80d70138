"""A page as a list of elements, read with the standard parser."""

from html.parser import HTMLParser
from typing import NamedTuple

INLINE = {"a", "b", "code", "span", "strong"}
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Element(NamedTuple):
    """An element, with all text that is in it."""

    tag: str
    attributes: dict[str, str]
    texts: list[str]
    parents: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        parents = tuple(element.tag for element in self.open)
        element = Element(tag, {name: value or "" for name, value in attrs}, [], parents)
        self.found.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()
        self.handle_data("" if tag in INLINE else " ")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.texts.append(data)


def elements(page: str) -> list[Element]:
    """Every element of a page in order; each end tag must close the element last opened."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser.found


def tagged(page: str, *tags: str) -> list[Element]:
    """The elements with one of these tags."""
    return [element for element in elements(page) if element.tag in tags]
