"""XEP-0092: Software Version, version 1.1; the operating system is nobody's business."""

from jinglebridge.protocol.xml import TEXT, child, element, text

NAMESPACE = "jabber:iq:version"


@element(NAMESPACE, "name")
class Name:
    """Of the software."""

    text: str = text(TEXT, default="")


@element(NAMESPACE, "version")
class Version:
    """Of the software."""

    text: str = text(TEXT, default="")


@element(NAMESPACE, "query")
class SoftwareVersion:
    """Question for, and answer with, what runs here."""

    name: Name | None = child(Name, default=None)
    version: Version | None = child(Version, default=None)


def software_version(name: str, version: str) -> SoftwareVersion:
    """The answer of a software of this name and version."""
    return SoftwareVersion(name=Name(text=name), version=Version(text=version))
