"""The document that all pages share: its head, its header, its contents, its sections."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

from gantlet.report.marks import definitions, marked
from gantlet.report.markup import Markup, element, joined

READING = (
    (
        marked("fake", "generated"),
        "The figure for the generator, from n generated rows against m real ones. The bar is its "
        "95 % interval: where the figure would fall in 95 of 100 repetitions with other rows.",
    ),
    (
        marked("real", "real against real"),
        "The same figure for other real rows in the place of the generated, at the same sizes. No "
        "generator does better than this except by chance or by copying.",
    ),
    (
        marked("baseline", "trivial generator"),
        "The same for a generator that knows each number’s spread and nothing of how numbers go "
        "together. Whoever is no better than this has learnt little.",
    ),
    (
        Markup("Which way is better"),
        "stands beside each figure. “The nearer to real data’s” means that both too low and too "
        "high are faults.",
    ),
    (
        Markup("–"),
        "A dash stands where a number does not exist or was not measured.",
    ),
)


class Section(NamedTuple):
    """A part of a page, with what the contents call it."""

    anchor: str
    title: str
    short: str
    content: Markup


def page(
    kicker: str, title: str, verdict: str, tally: Markup | None, sections: Sequence[Section]
) -> str:
    """The title and the verdict, then the sections, with a way to each."""
    sections = [*sections, Section("reading", "How to read this report", "How to read", _reading())]
    header = element(
        "header",
        element("button", "Dark", type="button", id="theme", hidden=True),
        element("p", kicker, class_="kicker"),
        element("h1", title),
        element("p", verdict, class_="verdict"),
        tally,
        class_="top",
    )
    links = [element("li", element("a", s.short, href=f"#{s.anchor}")) for s in sections]
    contents = element("nav", element("ul", *links), aria_label="Contents")
    main = element("main", *(_section(section) for section in sections))
    first = sections[0]
    body = joined(
        element("a", f"Skip to “{first.short}”", href=f"#{first.anchor}", class_="skip"),
        definitions(),
        header,
        element("div", contents, main, class_="columns"),
        element("footer", element("p", "Made by Gantlet. This file needs no network.")),
    )
    return _document(title, body)


def _section(section: Section) -> Markup:
    return element(
        "section",
        element("h2", section.title, id=f"{section.anchor}-title"),
        section.content,
        id=section.anchor,
        aria_labelledby=f"{section.anchor}-title",
    )


def _reading() -> Markup:
    rows = [element("div", element("dt", name), element("dd", words)) for name, words in READING]
    return element("dl", *rows, class_="facts")


def _document(title: str, body: Markup) -> str:
    """The page around its body: strict about what may load, which is nothing."""
    script = Markup(_asset("report.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Markup(_asset("style.css"))),
    )
    whole = element("html", head, element("body", body, element("script", script)), lang="en")
    return f"<!doctype html>\n{whole}\n"


@cache
def _asset(name: str) -> str:
    return resources.files("gantlet.report").joinpath(name).read_text("utf-8")
