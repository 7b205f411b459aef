"""Settings: frozen dataclasses filled from TOML, JSON or `key=value`, strictly.

A setting that no dataclass declares is an error that names the nearest one that exists.
Nothing here knows which settings there are; they stand beside the functions that read them.
"""

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class ConfigError(ValueError):
    """A setting that does not exist or cannot take its value; says which and what would do."""


class Setting(NamedTuple):
    """One setting as --help and forms show it."""

    path: str
    type: str
    default: Any
    doc: str


def setting(default: Any = MISSING, doc: str = "", *, one_of: Collection[Any] = ()) -> Any:
    """A dataclass field that carries its own documentation and, if any, its allowed values.

    Args:
        one_of: looked into when a value is read, so a dict may still get entries of the user's own.
    """
    metadata = {"doc": doc, "one_of": one_of}
    if isinstance(default, (dict, list)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type[T], values: Mapping[str, Any], path: str = "") -> T:
    """An instance of the dataclass `cls` from nested plain values.

    Raises:
        ConfigError: an unknown key, a missing one, or a value of the wrong type.
    """
    known = {field.name: field for field in fields(typing.cast(Any, cls))}
    hints = typing.get_type_hints(cls)
    for key in values:
        if key not in known:
            raise ConfigError(_unknown(path, key, list(known)))
    arguments = {}
    for name, value in values.items():
        arguments[name] = _coerce(hints[name], value, path + name)
        allowed = known[name].metadata.get("one_of", ())
        if allowed and arguments[name] not in allowed:
            raise ConfigError(
                f"{path}{name} = {value!r}: choose one of {', '.join(map(str, allowed))}"
            )
    for name, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and name not in arguments:
            raise ConfigError(f"setting '{path}{name}' is missing")
    return cls(**arguments)


def plain(settings: Any) -> Any:
    """The inverse of `build`: nested dicts and lists of plain values, as JSON keeps them."""
    if is_dataclass(settings) and not isinstance(settings, type):
        return {field.name: plain(getattr(settings, field.name)) for field in fields(settings)}
    if isinstance(settings, Mapping):
        return {str(key): plain(value) for key, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [plain(value) for value in settings]
    if isinstance(settings, Path):
        return str(settings)
    return settings


def read(path: Path) -> dict[str, Any]:
    """Nested values of a TOML or JSON file."""
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: not valid {path.suffix[1:].upper()}: {error}") from error


def assign(assignments: list[str]) -> dict[str, Any]:
    """Nested values from `a.b=value` texts; values are TOML where they parse, else strings."""
    nested: dict[str, Any] = {}
    for text in assignments:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise ConfigError(f"--set {text!r}: write it as name=value, e.g. optimization.lr=0.001")
        *parents, last = path.strip().split(".")
        level = nested
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise ConfigError(f"--set {text!r}: '{parent}' has a value, so it is no group")
        level[last] = _parsed(value.strip())
    return nested


def layered(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """One nested dict: later layers win, key by key."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = layered(merged[key], value) if both else value
    return merged


def described(cls: type, path: str = "") -> Iterator[Setting]:
    """Every setting below a dataclass, depth first, for --help and for forms."""
    hints = typing.get_type_hints(cls)
    for field in fields(typing.cast(Any, cls)):
        inner = hints[field.name]
        if is_dataclass(inner) and isinstance(inner, type):
            yield from described(inner, f"{path}{field.name}.")
        else:
            default = field.default if field.default is not MISSING else None
            if field.default_factory is not MISSING:
                default = field.default_factory()
            yield Setting(
                path + field.name, _type_name(inner), default, field.metadata.get("doc", "")
            )


def _parsed(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _unknown(path: str, key: str, known: list[str]) -> str:
    # The group is right, so only names within it are compared: its path would make all alike.
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    there = ", ".join(path + name for name in sorted(known))
    hint = f"did you mean '{path}{near[0]}'?" if near else f"there are: {there}"
    return f"unknown setting '{path}{key}'; {hint}"


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _coerce(hint: Any, value: Any, path: str) -> Any:  # noqa: PLR0911 - a return for each kind of type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _coerce_union(arguments, value, path)
    if is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, hint):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(f"{path} = {value!r}: a group of settings is wanted here")
        return build(hint, value, path + ".")
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = [arguments[0]] * len(value) if arguments[1:] == (...,) else list(arguments)
        if len(inner) == len(value):
            return tuple(_coerce(i, v, path) for i, v in zip(inner, value, strict=True))
    elif origin is dict and isinstance(value, Mapping):
        return {str(k): _coerce(arguments[1], v, f"{path}.{k}") for k, v in value.items()}
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif hint is Any or (origin is None and type(value) is hint):
        return value
    elif hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    raise ConfigError(
        f"{path} = {value!r}: {_type_name(hint)} is wanted, not {type(value).__name__}"
    )


def _coerce_union(options: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None or value == "none":
        if type(None) in options:
            return None
    else:
        for option in options:
            if option is not type(None):
                try:
                    return _coerce(option, value, path)
                except ConfigError:
                    continue
    wanted = " or ".join("none" if o is type(None) else _type_name(o) for o in options)
    raise ConfigError(f"{path} = {value!r}: {wanted} is wanted, not {type(value).__name__}")
