"""HTML by construction: text is escaped unless it is `Markup` already, and tags always balance."""

import html
import re

VOID = {"img", "meta", "link", "br"}
# Control characters and halves of surrogate pairs have no place in HTML; file names hold them.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Attribute = str | int | float | bool | None


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """The text as HTML shows it, in an element or in a quoted attribute."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(UNPRINTABLE.sub("\ufffd", text), quote=True))


def element(name: str, *children: str | None, **attributes: Attribute) -> Markup:
    """<name attributes>children</name>; True is a bare attribute, None and False are none.

    Names lose a trailing underscore and gain hyphens: class_, aria_label. None among the children
    is skipped.
    """
    start = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in VOID:
        return Markup(start)
    return Markup(f"{start}{joined(*children)}</{name}>")


def joined(*parts: str | None) -> Markup:
    """The parts one after another, each escaped unless it is HTML already."""
    return Markup("".join(escaped(part) for part in parts if part is not None))


def hidden(text: str) -> Markup:
    """Text for those who listen."""
    return element("span", text, class_="unseen")


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'


def slug(text: str) -> str:
    """Letters, digits and hyphens that make an id or a class."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
