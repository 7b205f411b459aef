"""The document: from the title to the small print, in the order of a person's questions."""

from collections.abc import Mapping

from gantlet.evaluation.figures import (
    Chart,
    Evaluation,
    Figure,
    Finding,
    Map,
    Panel,
    Pictures,
    Strips,
    Table,
    View,
)
from gantlet.report.cards import card, counts
from gantlet.report.charts import chart
from gantlet.report.document import Section, page
from gantlet.report.maps import map_of
from gantlet.report.markup import Markup, element, joined, slug
from gantlet.report.numerals import estimate, quantity
from gantlet.report.pictures import groups, pictures
from gantlet.report.strips import strips
from gantlet.report.summary import summary, tally
from gantlet.report.tables import grid, table


def render(evaluation: Evaluation) -> str:
    """The evaluation as one HTML file that needs nothing else, neither now nor later."""
    anchors, titles = _figures(evaluation)
    samples = Section("samples", "Generated beside real", "Samples", groups(evaluation.samples))
    sections = [
        Section("summary", "Summary", "Summary", summary(evaluation, anchors, titles)),
        *([samples] if evaluation.samples else []),
        *(_view(view, evaluation) for view in evaluation.views),
        Section("all-figures", "All figures", "All figures", _all_figures(evaluation)),
    ]
    if evaluation.facts:
        known = facts(evaluation.facts)
        sections.append(Section("facts", "What was compared", "Facts", known))
    heading = (evaluation.title, evaluation.verdict, tally(evaluation.findings))
    return page("Evaluation", *heading, sections)


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


def _view(view: View, evaluation: Evaluation) -> Section:
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
    content = joined(
        element("p", view.answer, class_="answer"),
        element("div", *panels, class_="panels") if panels else None,
        numbers,
    )
    return Section(
        _section_id(view), view.question, view.name.replace("_", " ").capitalize(), content
    )


def _pictures_first(panel: Panel) -> int:
    return [Pictures, Strips, Map, Chart, Table].index(type(panel))


def _panel(panel: Panel, anchor: str) -> Markup:
    match panel:
        case Chart():
            return chart(panel, anchor)
        case Map():
            return map_of(panel, anchor)
        case Pictures():
            return pictures(panel, anchor)
        case Strips():
            return strips(panel, anchor)
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


def facts(named: Mapping[str, str]) -> Markup:
    """Names and what is known of them."""
    rows = [
        element("div", element("dt", name), element("dd", words)) for name, words in named.items()
    ]
    return element("dl", *rows, class_="facts")
