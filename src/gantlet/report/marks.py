"""What stands for real, held-out, generated and baseline: a shape, a pattern and a colour each."""

from gantlet.report.markup import Markup, element, joined, slug

WORDS = {
    "real": "real",
    "held_out": "held-out",
    "fake": "generated",
    "baseline": "trivial generator",
}
SHAPES = {
    "fake": element("circle", cx=6, cy=6, r=4.6),
    "real": element("path", d="M6 .8 11.2 6 6 11.2 .8 6z"),
    "held_out": element("path", d="M6 1.2 11.2 10.6H.8z"),
    "baseline": element("path", d="M2.2 2.2h7.6v7.6H2.2z", class_="hollow"),
}
# Around their own middle, for maps of many.
DOTS = {
    "real": element("path", d="M0-4.6 4.6 0 0 4.6-4.6 0z"),
    "fake": element("circle", r=3.2),
}
# Lines at different slants, so that fills differ in print and for any eye.
HATCHES = {"fake": "M-1 7 7-1M-1 3 3-1M3 7 7 3", "held_out": "M-1 -1 7 7M3 -1 7 3M-1 3 3 7"}


def definitions() -> Markup:
    """Every mark and pattern once, for the whole page to refer to."""
    symbols = [
        element("symbol", shape, id=f"mark-{slug(kind)}", viewBox="0 0 12 12")
        for kind, shape in SHAPES.items()
    ]
    patterns = [
        element(
            "pattern",
            element("path", d="M0 0h6v6H0z", class_="ground"),
            element("path", d=strokes, class_="strokes"),
            id=f"hatch-{slug(kind)}",
            class_=f"k-{slug(kind)}",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )
        for kind, strokes in HATCHES.items()
    ]
    dots = [element("g", shape, id=f"dot-{slug(kind)}") for kind, shape in DOTS.items()]
    return element(
        "svg",
        element("defs", *symbols, *dots, *patterns),
        class_="store",
        width=0,
        height=0,
        aria_hidden="true",
    )


def mark(kind: str) -> Markup:
    """The kind's small shape in its colour; words beside it must say what it is."""
    return element(
        "svg",
        element("use", href=f"#mark-{slug(kind)}"),
        class_=f"mark k-{slug(kind)}",
        viewBox="0 0 12 12",
        aria_hidden="true",
    )


def dot(kind: str) -> Markup:
    """The kind's shape on a map, for the map's legend."""
    shape = element("use", href=f"#dot-{slug(kind)}")
    return element(
        "svg", shape, class_=f"mark dot k-{slug(kind)}", viewBox="-6 -6 12 12", aria_hidden="true"
    )


def marked(kind: str, words: str) -> Markup:
    """Words behind their mark."""
    return joined(mark(kind), " ", words)
