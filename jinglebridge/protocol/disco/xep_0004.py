"""XEP-0004: Data Forms, version 2.13.1; read only as far as XEP-0115 counts them.

What a form asks of people (labels, options, instructions) is not read.
"""

from jinglebridge.protocol.xml import MULTILINE, TEXT, attribute, children, element, text

NAMESPACE = "jabber:x:data"


@element(NAMESPACE, "value")
class Value:
    """One value of a field."""

    text: str = text(MULTILINE, default="")


@element(NAMESPACE, "field")
class Field:
    """A name with its values."""

    var: str | None = attribute(TEXT, default=None)
    type: str | None = attribute(TEXT, default=None)
    values: tuple[Value, ...] = children(Value, default=(), maximum=64)

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as they stand."""
        return tuple(value.text for value in self.values)


@element(NAMESPACE, "x")
class Form:
    """Fields that belong together."""

    type: str | None = attribute(TEXT, default=None)
    fields: tuple[Field, ...] = children(Field, default=(), maximum=64)

    @property
    def form_type(self) -> Field | None:
        """The field that says what the others mean (XEP-0068 §3)."""
        return next((field for field in self.fields if field.var == "FORM_TYPE"), None)
