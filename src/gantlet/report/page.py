"""The document: from the title to the small print, in the order of a person's questions."""

import base64
import hashlib
from functools import cache
from importlib import resources

from gantlet.evaluation.figures import (
    Chart,
    Evaluation,
    Figure,
    Finding,
    Map,
    Panel,
    Pictures,
    Table,
    View,
)
from gantlet.report.cards import card, counts
from gantlet.report.charts import chart
from gantlet.report.maps import map_of
from gantlet.report.marks import definitions, marked
from gantlet.report.markup import Markup, element, joined, slug
from gantlet.report.numerals import estimate, quantity
from gantlet.report.pictures import groups, pictures
from gantlet.report.summary import summary, tally
from gantlet.report.tables import grid, table

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


def render(evaluation: Evaluation) -> str:
    """The evaluation as one HTML file that needs nothing else, neither now nor later."""
    anchors, titles = _figures(evaluation)
    sections = [
        ("summary", "Summary", summary(evaluation, anchors, titles)),
        ("samples", "Generated beside real", groups(evaluation.samples))
        if evaluation.samples
        else None,
        *((_section_id(v), v.question, _view(v, evaluation)) for v in evaluation.views),
        ("all-figures", "All figures", _all_figures(evaluation)),
        ("facts", "What was compared", _facts(evaluation.facts)) if evaluation.facts else None,
        ("reading", "How to read this report", _reading()),
    ]
    main = [_section(*section) for section in sections if section]
    body = joined(
        element("a", "Skip to the summary", href="#summary", class_="skip"),
        definitions(),
        _header(evaluation),
        element("div", _contents(evaluation), element("main", *main), class_="columns"),
        element("footer", element("p", "Made by Gantlet. This file needs no network.")),
    )
    return document(evaluation.title, body)


def document(title: str, body: Markup) -> str:
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


def _figures(evaluation: Evaluation) -> tuple[dict[str, str], dict[str, str]]:
    """Figure names → ids and titles; the first view that has a name keeps it."""
    anchors: dict[str, str] = {}
    titles: dict[str, str] = {}
    for view in evaluation.views:
        for figure in view.figures:
            anchors.setdefault(figure.name, _card_id(view, figure))
            titles.setdefault(figure.name, figure.title)
    return anchors, titles


def _section_id(view: View) -> str:
    return f"view-{slug(view.name)}"


def _header(evaluation: Evaluation) -> Markup:
    return element(
        "header",
        element("button", "Dark", type="button", id="theme", hidden=True),
        element("p", "Evaluation", class_="kicker"),
        element("h1", evaluation.title),
        element("p", evaluation.verdict, class_="verdict"),
        tally(evaluation.findings),
        class_="top",
    )


def _contents(evaluation: Evaluation) -> Markup:
    views = [
        (_section_id(view), view.name.replace("_", " ").capitalize()) for view in evaluation.views
    ]
    links = [
        ("summary", "Summary"),
        *([("samples", "Samples")] if evaluation.samples else []),
        *views,
        ("all-figures", "All figures"),
        *([("facts", "Facts")] if evaluation.facts else []),
        ("reading", "How to read"),
    ]
    items = [element("li", element("a", words, href=f"#{anchor}")) for anchor, words in links]
    return element("nav", element("ul", *items), aria_label="Contents")


def _section(anchor: str, title: str, content: Markup) -> Markup:
    return element(
        "section",
        element("h2", title, id=f"{anchor}-title"),
        content,
        id=anchor,
        aria_labelledby=f"{anchor}-title",
    )


def _view(view: View, evaluation: Evaluation) -> Markup:
    """The answer, what there is to see, then the numbers."""
    panels = [
        _panel(panel, f"{_section_id(view)}-panel-{k}")
        for k, panel in enumerate(sorted(view.panels, key=_pictures_first), start=1)
    ]
    cards = [
        card(figure, _card_id(view, figure), _findings(figure, evaluation))
        for figure in view.figures
    ]
    numbers = (
        joined(
            element("h3", "In numbers", class_="numbers"), element("div", *cards, class_="cards")
        )
        if cards
        else None
    )
    return joined(
        element("p", view.answer, class_="answer"),
        element("div", *panels, class_="panels") if panels else None,
        numbers,
    )


def _pictures_first(panel: Panel) -> int:
    return [Pictures, Map, Chart, Table].index(type(panel))


def _panel(panel: Panel, anchor: str) -> Markup:
    match panel:
        case Chart():
            return chart(panel, anchor)
        case Map():
            return map_of(panel, anchor)
        case Pictures():
            return pictures(panel, anchor)
        case Table():
            return table(panel, anchor)


def _card_id(view: View, figure: Figure) -> str:
    return f"figure-{slug(view.name)}-{slug(figure.name)}"


def _findings(figure: Figure, evaluation: Evaluation) -> tuple[Finding, ...]:
    return tuple(one for one in evaluation.findings if one.figure == figure.name)


def _all_figures(evaluation: Evaluation) -> Markup:
    """Every figure on a line of one table."""
    rows = []
    for view in evaluation.views:
        for one in view.figures:
            value, interval = estimate(one.value, one.low, one.high, one.unit)
            real, baseline = (quantity(v, one.unit) for v in (one.real, one.baseline))
            rows.append((one.title, value, interval or "–", real, baseline, counts(one)))
    columns = (
        "figure",
        "generated",
        "95 % interval",
        "real against real",
        "trivial generator",
        "rows",
    )
    return grid(columns, tuple(rows), "All figures")


def _facts(facts: dict[str, str]) -> Markup:
    rows = [element("div", element("dt", k), element("dd", words)) for k, words in facts.items()]
    return element("dl", *rows, class_="facts")


def _reading() -> Markup:
    rows = [element("div", element("dt", name), element("dd", words)) for name, words in READING]
    return element("dl", *rows, class_="facts")
