"""The report: one file, nothing loaded, nothing lost, nothing unescaped, read by eye and by ear."""

import base64
import hashlib
import io
import math
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evaluations import DIGITS, example, figure, picture, png
from gantlet.evaluation.figures import (
    Chart,
    Dot,
    Evaluation,
    Finding,
    Map,
    Panel,
    Picture,
    Pictures,
    Series,
    Table,
    View,
)
from gantlet.report import render, render_comparison
from gantlet.report.axes import around, linear, logarithmic
from gantlet.report.markup import VOID, element
from gantlet.report.numerals import estimate, number, quantity
from gantlet.report.pictures import ReportError
from gantlet.report.sprites import sheet

HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\udc80\x00"


class Node:
    """An element with all that it holds."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Node | str] = []

    def all(self, tag: str = "", **wanted: str) -> list["Node"]:
        """The elements inside, in order, that have the tag and the attributes."""
        nodes = [child for child in self.children if isinstance(child, Node)]
        found = []
        for node in nodes:
            fits = all(
                value in node.attributes.get(name, "").split() for name, value in wanted.items()
            )
            found += [node] if (not tag or node.tag == tag) and fits else []
            found += node.all(tag, **wanted)
        return found

    @property
    def text(self) -> str:
        """Everything that is read."""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)


class Tree(HTMLParser):
    """A page as nested elements; a tag that closes anything but the innermost is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root], f"never closed: {self.open[-1].tag}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@cache
def page() -> str:
    return render(example())


@cache
def tree() -> Node:
    return Tree(page()).root


def holding(*panels: Panel, **settings) -> Evaluation:
    """An evaluation of one view."""
    view = View(name="realness", question="Is it?", answer="It is.", panels=panels,
                figures=settings.pop("figures", ()))  # fmt: skip
    return Evaluation(title="run", verdict="Good.", findings=settings.pop("findings", ()),
                      views=(view,), **settings)  # fmt: skip


def test_tags_balance_and_ids_are_unique():
    ids = [node.attributes["id"] for node in tree().all() if "id" in node.attributes]
    assert len(ids) == len(set(ids)) > 20


def test_nothing_is_loaded_from_anywhere():
    outside = re.sub(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]+", "data:", page())
    assert not re.search(r"https?:|@import|src=\"//", outside)
    assert set(re.findall(r"url\((.)", outside)) == {"#"}
    for node in tree().all():
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            assert node.attributes.get(name, "#").startswith(("#", "data:")), node.attributes


def test_the_policy_lets_only_this_script_run():
    (script,) = tree().all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    policies = [m.attributes["content"] for m in tree().all("meta") if "http-equiv" in m.attributes]
    assert policies == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]


def test_every_string_of_a_hostile_evaluation_is_escaped():
    one = picture(DIGITS.images[0].astype(np.uint8), HOSTILE)
    series = (Series(name=HOSTILE, x=(0.0, 1.0, 2.0), y=(1.0, 2.0, 3.0), kind="fake"),)
    shown = {"title": HOSTILE, "words": HOSTILE, "x_label": HOSTILE, "y_label": HOSTILE}
    panels = (
        Chart(shape="line", series=series * 2, **shown),
        Chart(shape="bar", series=series * 2, names=(HOSTILE,) * 3, **shown),
        Map(title=HOSTILE, words=HOSTILE,
            dots=tuple(Dot(x=k, y=k, kind="real", words=HOSTILE, picture=one.content)
                       for k in range(3))),
        Pictures(title=HOSTILE, words=HOSTILE, rows=((one,), (one, one))),
        Table(title=HOSTILE, words=HOSTILE, columns=(HOSTILE,) * 2, rows=((HOSTILE,) * 2,)),
    )  # fmt: skip
    figures = (
        figure(HOSTILE, HOSTILE, 1.0, words=HOSTILE, definition=HOSTILE, page=HOSTILE,
               space=HOSTILE, unit=HOSTILE, warnings=(HOSTILE,)),
    )  # fmt: skip
    finding = Finding(kind=HOSTILE, severity="fault", words=HOSTILE, advice=HOSTILE, figure=HOSTILE)
    view = View(name=HOSTILE, question=HOSTILE, answer=HOSTILE, figures=figures, panels=panels)
    hostile = Evaluation(title=HOSTILE, verdict=HOSTILE, findings=(finding,), views=(view,),
                         samples=(one,), facts={HOSTILE: HOSTILE})  # fmt: skip
    html = render(hostile)
    html.encode("utf-8")
    root = Tree(html).root
    assert "\x00" not in html
    assert len(root.all("script")) == len(root.all("style")) == 1
    assert not any(name.startswith("on") for node in root.all() for name in node.attributes)
    # What a person reads is what the strings say.
    said = HOSTILE.replace("\udc80", "\ufffd").replace("\x00", "\ufffd")
    assert root.all("h1")[0].text == said
    assert said in [image.attributes["alt"] for image in root.all("img")]


@given(st.text(), st.text())
def test_any_text_comes_back_from_the_page_as_it_went_in(text: str, attribute: str):
    made = Tree(element("p", text, title=attribute)).root.all("p")[0]
    unprintable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
    assert made.text == unprintable.sub("\ufffd", text)
    assert made.attributes["title"] == unprintable.sub("\ufffd", attribute)


def test_every_picture_and_chart_has_its_words():
    by_id = {node.attributes["id"]: node for node in tree().all() if "id" in node.attributes}
    images = tree().all("img")
    charts = tree().all(role="img")
    assert len(images) > 20
    assert len(charts) > 10
    assert all(image.attributes["alt"].strip() for image in images)
    for drawn in charts:
        label = drawn.attributes.get("aria-label", "")
        names = drawn.attributes.get("aria-labelledby", "").split()
        names += drawn.attributes.get("aria-describedby", "").split()
        assert (label + "".join(by_id[name].text for name in names)).strip()
    for svg in tree().all("svg"):
        assert svg.attributes.get("aria-hidden") == "true" or svg.attributes["role"] == "img"


def test_headings_descend_one_level_at_a_time():
    levels = [int(n.tag[1]) for n in tree().all() if re.fullmatch(r"h[1-6]", n.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_are_there_and_named():
    assert [len(tree().all(tag)) for tag in ("header", "nav", "main", "footer")] == [1] * 4
    assert tree().all("html")[0].attributes["lang"] == "en"
    assert all("aria-labelledby" in node.attributes for node in tree().all("section"))


def test_every_link_leads_to_a_place_on_the_page():
    ids = {node.attributes["id"] for node in tree().all() if "id" in node.attributes}
    links = [node.attributes["href"] for node in [*tree().all("a"), *tree().all("use")]]
    assert {link.removeprefix("#") for link in links} <= ids


def test_findings_come_gravest_first_and_lead_to_their_figures():
    (findings,) = tree().all("ol")
    items = findings.all("li")
    assert [item.attributes["class"] for item in items] == ["fault", "warning", "good", "good"]
    cards = {card.attributes["id"]: card for card in tree().all("article")}
    for item in items:
        (link,) = item.all("a")
        assert link.text in cards[link.attributes["href"][1:]].all("h4")[0].text


def test_a_finding_without_a_figure_has_no_link():
    finding = Finding(kind="odd", severity="warning", words="Odd.", figure="no_such_figure")
    root = Tree(render(holding(findings=(finding,)))).root
    assert root.all("ol")[0].all("a") == []


def test_pictures_precede_charts_and_charts_precede_numbers():
    (view,) = tree().all("section", id="view-distributions")
    drawn = {"plot": "chart", "rows": "chart"}
    kinds = [drawn.get(node.attributes.get("class", ""), node.tag) for node in view.all()]
    assert kinds.index("img") < kinds.index("chart") < kinds.index("article")


def test_values_intervals_and_sizes_are_those_given():
    shown = figure("a", "A", 11.437, low=11.02, high=11.91, real=0.418, baseline=248.3, m=1234,
                   n=5678, words="w", definition="the formula")  # fmt: skip
    card = Tree(render(holding(figures=(shown,)))).root.all("article")[0]
    assert card.all("span", **{"class": "value"})[0].text == "11.4"
    assert "[11.0, 11.9]" in card.all("span", **{"class": "interval"})[0].text
    values = [dd.text for dd in card.all("dl", **{"class": "comparison"})[0].all("dd")]
    assert values == ["11.4 [11.0, 11.9]", "0.418", "248"]
    (details,) = card.all("details")
    for words in ("m = 1,234, n = 5,678", "the formula", "docs/metrics/a.md", shown.space):
        assert words in details.text
    places = {mark.attributes["class"]: float(mark.attributes["style"][5:-1])
              for mark in card.all("span", **{"class": "at"})}  # fmt: skip
    assert places["at real"] < places["at fake"] < places["at baseline"]


def test_what_is_not_a_number_is_a_dash_everywhere():
    nan = math.nan
    gaps = Series(name="gaps", x=(0.0, nan, 2.0), y=(1.0, 2.0, nan), kind="other")
    none = Series(name="none", x=(0.0, 1.0, 2.0), y=(nan, nan, nan), kind="real")
    labels = {"title": "t", "x_label": "x", "y_label": "y", "words": "w"}
    evaluation = holding(
        Chart(shape="line", series=(gaps, none), **labels),
        Chart(shape="bar", series=(none,), names=("a", "b", "c"), **labels),
        Chart(shape="histogram", series=(replace(none, y=(nan, nan)),), **labels),
        Map(title="m", words="w", dots=(Dot(x=nan, y=0.0, kind="real", words="lost"),)),
        Table(title="t", words="w", columns=("a", "b"), rows=(("x", "nan"),)),
        figures=(figure("a", "A", nan, words="w", definition="d"),
                 figure("b", "B", math.inf, real=1.0, words="w", definition="d")),
    )  # fmt: skip
    html = render(evaluation)
    assert not re.search(r"\bnan\b|\binf\b", re.sub(r"<style>.*?</style>", "", html, flags=re.S))
    assert Tree(html).root.all("article")[0].all("span", **{"class": "value"})[0].text == "–"


def test_an_empty_evaluation_is_a_page_too():
    empty = Evaluation(title="t", verdict="v", findings=(), views=())
    assert "Nothing stands out." in Tree(render(empty)).root.text
    labels = {"title": "t", "x_label": "x", "y_label": "y", "words": "w"}
    Tree(render(holding(
        *(Chart(shape=shape, series=(), **labels) for shape in ("line", "bar", "histogram")),
        Map(title="m", words="w", dots=()), Pictures(title="p", words="w", rows=()),
        Table(title="t", words="w", columns=("a",), rows=()),
    )))  # fmt: skip


def test_what_is_no_picture_is_refused_with_a_way_out():
    sound = Picture(content=b"RIFF", media_type="audio/wav", words="a sound")
    with pytest.raises(ReportError, match=r"audio/wav.*image/png"):
        render(replace(holding(), samples=(sound,)))


def test_a_histogram_is_drawn_to_its_numbers():
    series = Series(name="s", x=(0.0, 1.0, 2.0), y=(1.0, 4.0), kind="real")
    panel = Chart(title="t", shape="histogram", series=(series,), x_label="", y_label="", words="")
    (outline,) = [
        p.attributes["d"] for p in Tree(render(holding(panel))).root.all("path")
        if p.attributes.get("class") == "stroke"
    ]  # fmt: skip
    # 400 by 200 units; the axis runs from 0 to 4, down is up.
    assert outline == "M0 200V150H200V0H400V200"


def test_the_numbers_behind_a_chart_are_in_its_table():
    series = (Series(name="a", x=(0.0, 1.0), y=(0.25, 0.5), kind="real"),
              Series(name="b", x=(0.0, 1.0), y=(3.0, math.nan), kind="fake"))  # fmt: skip
    panel = Chart(title="t", shape="line", series=series, x_label="x", y_label="y", words="")
    rows = [
        [c.text for c in row.all() if c.tag in ("th", "td")]
        for row in Tree(render(holding(panel))).root.all("details")[0].all("tr")
    ]
    assert rows == [["x", "a", "b"], ["0", "0.250", "3"], ["1", "0.500", "–"]]


def test_a_thousand_dots_with_photographs_stay_under_three_megabytes():
    random = np.random.default_rng(0)
    # Coarse noise with detail: as hard to pack as photographs are.
    coarse = random.integers(0, 256, (1000, 4, 4, 3)).astype(np.uint8)
    rows = coarse.repeat(8, 1).repeat(8, 2) + random.integers(0, 24, (1000, 32, 32, 3))
    dots = tuple(
        Dot(x=float(x), y=float(y), kind="real" if k % 2 else "fake", words=f"class {k % 10}",
            picture=png(np.clip(row, 0, 255).astype(np.uint8)))
        for k, ((x, y), row) in enumerate(zip(random.normal(size=(1000, 2)), rows, strict=True))
    )  # fmt: skip
    html = render(holding(Map(title="m", dots=dots, words="w")))
    assert len(html.encode()) < 3_000_000
    assert len(Tree(html).root.all("img")) == 1


def test_each_dot_finds_its_own_picture_on_the_sheet():
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, (7, 8, 8)).astype(np.uint8)
    made = sheet([png(row) for row in rows])
    pixels = np.asarray(Image.open(io.BytesIO(made.content)))
    for k, row in enumerate(rows):
        top, left = k // made.columns * made.side, k % made.columns * made.side
        np.testing.assert_array_equal(pixels[top : top + 8, left : left + 8], row)


def test_pictures_larger_than_a_cell_shrink_and_transparency_becomes_paper():
    clear = np.zeros((300, 150, 4), np.uint8)
    made = sheet([png(clear), png(np.zeros((5, 5), np.uint8))])
    image = Image.open(io.BytesIO(made.content))
    assert made.side == 96
    assert image.getpixel((48, 48)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (11.437, "11.4"), (9.996, "10.0"), (0.05, "0.0500"), (10.0, "10"),
        (1234.5, "1,230"), (12345.0, "12,345"), (-0.5, "−0.500"), (2e-7, "2.00 × 10⁻⁷"),
        (3.21e9, "3.21 × 10⁹"), (math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_numbers_have_three_significant_digits_and_whole_ones_all(value: float, text: str):
    assert number(value) == text


def test_an_interval_has_the_decimals_of_its_value():
    assert estimate(9.87, 9.4, 10.34) == ("9.87", "[9.40, 10.34]")
    assert estimate(0.5, 0.469, 0.531, "%") == ("50.0\u00a0%", "[46.9, 53.1]")
    assert estimate(0.00001, -0.0004, 0.0004) == ("0.000010", "[−0.000400, 0.000400]")
    assert estimate(3.0, math.nan, math.nan) == ("3", "")
    assert quantity(0.57, "%") == "57\u00a0%"


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_axes_hold_their_ends_and_few_ticks(low: float, width: float):
    for axis in (linear(low, low + width), linear(low, low + width, ends=False)):
        assert axis.low <= low + 1e-9 * width
        assert axis.high >= low + width * (1 - 1e-9)
        assert 1 <= len(axis.ticks) <= 8
        assert all(0 <= axis.at(tick) <= 1 for tick in axis.ticks)


def test_numbers_decades_apart_share_a_logarithmic_axis():
    axis = around((0.4, 11.0, 250.0, math.nan))
    assert axis.is_log
    assert axis == logarithmic(0.4, 250.0)
    assert [words for _, words in axis.labels()] == ["0.1", "1", "10", "100", "1,000"]
    assert axis.at(10.0) == pytest.approx(0.5)
    assert not around((0.4, 11.0)).is_log
    assert not around((-0.1, 11.0)).is_log


def test_a_comparison_shows_every_shared_figure_of_each_and_nothing_unescaped():
    ours = figure("a", "A", 11.4, low=11.0, high=11.9, real=0.4, words="w", definition="d")
    theirs = replace(ours, value=12.2, low=11.8, high=12.7)
    alone = figure("b", "B", 1.0, words="w", definition="d")
    evaluations = {HOSTILE: holding(figures=(ours, alone)), "other": holding(figures=(theirs,))}
    rows = Table(title="t", words="w", columns=("figure", HOSTILE), rows=(("A", HOSTILE),))
    html = render_comparison("Two", "The first is better.", evaluations, [rows])
    root = Tree(html).root
    assert len(root.all("script")) == 1
    (section,) = root.all("section", id="figures")
    (card,) = section.all("article")
    said = [span.text for span in card.all("span", **{"class": "said"})]
    assert said == ["11.4 [11.0, 11.9]", "12.2 [11.8, 12.7]", "0.400"]
    ids = {node.attributes["id"] for node in root.all() if "id" in node.attributes}
    assert {link.attributes["href"][1:] for link in root.all("a")} <= ids
