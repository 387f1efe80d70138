"""From what a page shows to its bytes."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

MINUS = re.compile(r"(?<![\w.-])-(?=\d)|(?<=\de)-(?=\d)")

TEMPLATES = Path(__file__).parent / "templates"


def render(page: Literal["report", "index"], view: Any) -> bytes:
    """Return a page as HTML. Every text in the view is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = minus
    script = (TEMPLATES / "page.js").read_text("utf-8")
    html = environment.get_template(f"{page}.html").render(
        view=view,
        style=(TEMPLATES / "page.css").read_text("utf-8"),
        script=script,
        policy=_policy(script),
    )
    return html.encode()


def minus(text: str) -> str:
    """Return a text with real minus signs, as wide as a plus, and never torn from their digits."""
    return MINUS.sub("\N{MINUS SIGN}", text)


def _policy(script: str) -> str:
    """Return what the browser may load: nothing from elsewhere, and no script but ours."""
    ours = b64encode(sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline';"
        f" script-src 'sha256-{ours}'; base-uri 'none'; form-action 'none'"
    )
