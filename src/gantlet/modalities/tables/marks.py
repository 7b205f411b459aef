"""What a column remembers of how it came: kept in its Arrow field, so that it travels with rows."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

NULL = b"gantlet:null"  # the text of a missing value
TRUE, FALSE = b"gantlet:true", b"gantlet:false"  # the texts of a boolean
FORMAT = b"gantlet:format"  # of a date or time that was a text
DECIMAL = b"gantlet:decimal"  # the decimal sign
LABEL = b"gantlet:label"  # the name it had, as JSON, where that is no text or not unique
TYPE = b"gantlet:type"  # the Arrow type it had, where it is held in another
DTYPE = b"gantlet:dtype"  # the data type that the frame gave it, as JSON
INDEX = b"gantlet:index"  # the level of the frame's index that it was
DELIMITER, HEADER = b"gantlet:delimiter", b"gantlet:header"  # of the whole text; on the schema
COLUMNS = b"gantlet:columns"  # what the frame says of its columns' names, as JSON; on the schema

_OURS = b"gantlet:"


def marked(field: pa.Field, marks: Mapping[bytes, bytes]) -> pa.Field:
    """The field with these marks besides those it has."""
    return field.with_metadata({**(field.metadata or {}), **marks}) if marks else field


def mark(field: pa.Field, key: bytes) -> str | None:
    """One mark of a field, as text."""
    value = (field.metadata or {}).get(key)
    return None if value is None else value.decode("utf-8", "surrogatepass")


def json_mark(field: pa.Field | pa.Schema, key: bytes) -> Any:
    """One mark that holds JSON; None where there is none."""
    value = (field.metadata or {}).get(key)
    return None if value is None else json.loads(value)


def as_json(value: Any) -> bytes:
    """The other way round."""
    return json.dumps(value).encode()


def type_mark(kind: pa.DataType) -> bytes:
    """An Arrow type as a mark."""
    return base64.b64encode(pa.schema([pa.field("", kind)]).serialize())


def marked_type(field: pa.Field) -> pa.DataType:
    """The type that the column had before it was held in another."""
    text = (field.metadata or {}).get(TYPE)
    if text is None:
        return field.type
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0).type


def without_marks(schema: pa.Schema) -> pa.Schema:
    """The schema as others should see it: what they keep there themselves stays."""
    fields = [field.with_metadata(_foreign(field.metadata)) for field in schema]
    return pa.schema(fields, _foreign(schema.metadata))


def _foreign(metadata: Mapping[bytes, bytes] | None) -> dict[bytes, bytes] | None:
    return {k: v for k, v in (metadata or {}).items() if not k.startswith(_OURS)} or None
