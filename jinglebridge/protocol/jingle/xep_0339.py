"""XEP-0339: Source-Specific Media Attributes in Jingle, version 1.0.1.

Deviation: ``<source id=…>``, sent by some clients, is not read.
"""

from jinglebridge.protocol.xml import TEXT, TOKEN, attribute, children, element, matching, uint

NAMESPACE = "urn:xmpp:jingle:apps:rtp:ssma:0"


@element(NAMESPACE, "parameter")
class SourceParameter:
    """One attribute of a source (RFC 5576 §4.1)."""

    name: str = attribute(matching(r"[^\s:]+"))
    value: str | None = attribute(TEXT, default=None)


@element(NAMESPACE, "source")
class Source:
    """One synchronisation source of a content's sender."""

    ssrc: int = attribute(uint())
    parameters: tuple[SourceParameter, ...] = children(SourceParameter, maximum=32, default=())


@element(NAMESPACE, "source")
class SourceReference:
    """A member of a group of sources."""

    ssrc: int = attribute(uint())


@element(NAMESPACE, "ssrc-group")
class SourceGroup:
    """Sources that belong together (RFC 5576 §4.2); their order counts."""

    semantics: str = attribute(TOKEN)
    sources: tuple[SourceReference, ...] = children(SourceReference, maximum=64, default=())

    @property
    def ssrcs(self) -> tuple[int, ...]:
        """The members, in order."""
        return tuple(source.ssrc for source in self.sources)


def source_group_of(semantics: str, ssrcs: tuple[int, ...]) -> SourceGroup:
    """A group of these sources."""
    return SourceGroup(
        semantics=semantics, sources=tuple(SourceReference(ssrc=ssrc) for ssrc in ssrcs)
    )
