"""Words of ``a=extmap`` between text and XEP-0294 parameters."""

from jinglebridge.protocol.jingle.xep_0294 import ExtensionParameter


def parameters_of(config: str | None) -> tuple[ExtensionParameter, ...]:
    """The parameters for an extension's attributes; a word without ``=`` has no value."""
    parameters = []
    for word in (config or "").split():
        name, equals, value = word.partition("=")
        parameters.append(ExtensionParameter(name=name, value=value if equals else None))
    return tuple(parameters)


def config_of(parameters: tuple[ExtensionParameter, ...]) -> str | None:
    """The text of an extension's attributes, or ``None`` when there are none."""
    words = (
        item.name if item.value is None else f"{item.name}={item.value}" for item in parameters
    )
    return " ".join(word for word in words if word) or None
