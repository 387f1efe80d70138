"""The pages in a real browser, Chromium, where there is one; no browser can reach a network."""

import json
import re
import shutil
import subprocess
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from figures.made_up import diverged, results
from normlab.report import write_index
from report.shown import design, page, with_all

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000", "--dump-dom"),
)
DARK = "--blink-settings=preferredColorScheme=0"

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="needs Chromium, for example: apt-get install chromium"
)

LOOK = """
const found = { errors: [] };
const note = (event) => found.errors.push(event.message || event.violatedDirective);
addEventListener("error", note, true);
addEventListener("securitypolicyviolation", note);
addEventListener("load", () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  for (const details of all("details")) details.open = true;
  found.width = innerWidth;
  found.content = document.documentElement.scrollWidth;
  found.images = all("img").map((image) => image.naturalWidth);
  found.fetched = performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !name.startsWith("data:"));
  found.paper = getComputedStyle(document.body).backgroundColor;
  found.wide = all(".scroll").filter((box) => box.scrollWidth > box.clientWidth).length;
  found.pictures = all(".picture").map((box) => box.scrollWidth > box.clientWidth);
  found.sorts = [];
  const table = all("table.sortable").at(-1);
  for (const heading of table ? [...table.tHead.rows[0].cells] : []) {
    const button = heading.querySelector("button");
    button.focus();
    const focused = document.activeElement === button;
    for (let i = 0; i < 2; i++) {
      button.click();
      const cells = [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex]);
      const sorted = [...table.tHead.rows[0].cells].filter((cell) => cell.ariaSort);
      found.sorts.push({ heading: button.textContent, focused, direction: heading.ariaSort,
        sorted: sorted.length, cells: cells.map((cell) => cell.textContent),
        rows: [...table.tBodies[0].rows].map((row) => row.cells[2].textContent) });
    }
  }
  parent.postMessage(JSON.stringify(found), "*");
});
"""

# A window is never narrower than 500 px, a frame is as narrow as it is told.
FRAME = """<!doctype html><meta name="color-scheme" content="light dark"><pre id="found"></pre>
<script>addEventListener("message", (event) => { found.textContent = event.data; });</script>
<iframe src="page.html" width="{width}" height="900" style="border: 0"></iframe>"""


def look(shown: str, folder: Path, width: int, *flags: str) -> dict[str, Any]:
    """What a script on the page finds, which its policy is told to let through."""
    allowed = b64encode(sha256(LOOK.encode()).digest()).decode()
    shown = shown.replace("script-src ", f"script-src 'sha256-{allowed}' ", 1)
    shown = shown.replace("<title>", f"<script>{LOOK}</script><title>", 1)
    (folder / "page.html").write_text(shown, "utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.replace("{width}", str(width)), "utf-8")
    command = [BROWSER or "", *FLAGS, *flags, f"--user-data-dir={folder / 'profile'}"]
    command.append(frame.as_uri())
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    result = re.search(r'<pre id="found">(.+?)</pre>', done.stdout.decode(), re.DOTALL)
    assert result is not None
    return dict(json.loads(unescape(result[1])))


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("phone")
    return look(page(with_all(folder), folder), folder, 360)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Trials that diverged at steps 4, 101 and 11, or not."""
    folder = tmp_path_factory.mktemp("desk")
    ends = enumerate((101, 4, 11))
    found = results(design(), {(1.0, "none", i): diverged(at) for i, at in ends})
    return look(page(found, folder), folder, 1280, DARK)


def test_a_page_has_no_error_and_fetches_nothing(
    phone: dict[str, Any], desk: dict[str, Any]
) -> None:
    assert phone["errors"] == desk["errors"] == []
    assert phone["fetched"] == desk["fetched"] == []


def test_figures_are_drawn(phone: dict[str, Any]) -> None:
    assert len(phone["images"]) == 2
    assert all(width > 0 for width in phone["images"])


def test_on_a_phone_only_tables_and_figures_scroll_sideways(phone: dict[str, Any]) -> None:
    assert phone["width"] == 360
    assert phone["content"] <= 360
    assert phone["wide"] > 0
    assert phone["pictures"] == [True, True]


def test_on_a_desk_figures_are_seen_whole(desk: dict[str, Any]) -> None:
    assert desk["pictures"] == [False, False]


def test_who_prefers_dark_pages_gets_one(phone: dict[str, Any], desk: dict[str, Any]) -> None:
    assert phone["paper"] == "rgb(255, 255, 255)"
    assert desk["paper"] == "rgb(22, 24, 27)"


def test_numbers_sort_as_numbers_and_empty_cells_last(desk: dict[str, Any]) -> None:
    up, down = (sort for sort in desk["sorts"] if sort["heading"] == "step of divergence")
    assert up["cells"] == ["4", "11", "101", *[""] * 9]
    assert down["cells"] == ["101", "11", "4", *[""] * 9]


def test_words_sort_too_and_equal_rows_stay_as_they_stood(desk: dict[str, Any]) -> None:
    sorts = desk["sorts"]
    before = sorts[1]  # by the first column, downwards
    up = next(sort for sort in sorts if sort["heading"] == "batch normalization")
    assert up["cells"] == ["batch"] * 6 + ["none"] * 6
    batch = [row for i, row in enumerate(before["rows"]) if i % 6 >= 3]
    assert up["rows"][:6] == batch


def test_headings_take_the_focus_and_say_how_they_sort(desk: dict[str, Any]) -> None:
    assert all(sort["focused"] and sort["sorted"] == 1 for sort in desk["sorts"])
    directions = [sort["direction"] for sort in desk["sorts"]]
    assert directions == ["ascending", "descending"] * (len(directions) // 2)


def test_the_index_fits_a_phone(tmp_path: Path) -> None:
    shown = write_index(tmp_path).read_text("utf-8")
    found = look(shown, tmp_path, 360)
    assert found["errors"] == found["fetched"] == []
    assert found["content"] <= 360
