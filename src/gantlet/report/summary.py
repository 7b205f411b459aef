"""What the evaluation says first: the verdict and its findings, the gravest first."""

from collections.abc import Mapping

from gantlet.evaluation.figures import Evaluation, Finding, Severity
from gantlet.report.cards import SEVERITIES, badge
from gantlet.report.markup import Markup, element, hidden, joined

PLURALS: dict[Severity, tuple[str, str]] = {
    "fault": ("fault", "faults"),
    "warning": ("warning", "warnings"),
    "good": ("good sign", "good signs"),
}


def ordered(findings: tuple[Finding, ...]) -> list[Finding]:
    """Faults, then warnings, then what is good; in their given order within each."""
    return sorted(findings, key=lambda finding: list(SEVERITIES).index(finding.severity))


def tally(findings: tuple[Finding, ...]) -> Markup:
    """How many of each severity, in words."""
    items = []
    for severity, (one, several) in PLURALS.items():
        count = sum(finding.severity == severity for finding in findings)
        if count:
            words = f"{count} {one if count == 1 else several}"
            items.append(element("li", words, class_=f"badge {severity}"))
    return element("ul", *items, class_="tally") if items else joined()


def summary(
    evaluation: Evaluation, anchors: Mapping[str, str], titles: Mapping[str, str]
) -> Markup:
    """Each finding in words, what to do about it, and the way to its figure.

    Args:
        anchors: figure names → ids on the page.
        titles: figure names → what they are called.
    """
    findings = ordered(evaluation.findings)
    if not findings:
        return element("p", "Nothing stands out.", class_="lead")
    items = [_finding(one, anchors.get(one.figure), titles.get(one.figure)) for one in findings]
    return element("ol", *items, class_="findings")


def _finding(finding: Finding, anchor: str | None, title: str | None) -> Markup:
    advice = None
    if finding.advice:
        advice = element("p", element("b", "What to do: "), finding.advice, class_="advice")
    link = None
    if anchor and title:
        link = element("a", title, href=f"#{anchor}")
        link = element("p", "See ", hidden("the figure "), link, class_="to-figure")
    return element(
        "li",
        element("p", badge(finding), class_="grade"),
        element("div", element("p", finding.words, class_="what"), advice, link),
        class_=finding.severity,
    )
