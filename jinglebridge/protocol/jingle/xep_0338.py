"""XEP-0338: Jingle Grouping Framework, version 1.0.0."""

from jinglebridge.protocol.xml import TEXT, TOKEN, attribute, children, element

NAMESPACE = "urn:xmpp:jingle:apps:grouping:0"


@element(NAMESPACE, "content")
class GroupContent:
    """One member of a group, by the name of its content."""

    name: str = attribute(TEXT)


@element(NAMESPACE, "group")
class Group:
    """Contents that belong together (RFC 5888); the order of BUNDLE's members counts."""

    semantics: str = attribute(TOKEN)
    contents: tuple[GroupContent, ...] = children(GroupContent, default=())

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        return tuple(content.name for content in self.contents)


def group_of(semantics: str, names: tuple[str, ...]) -> Group:
    """A group of these contents."""
    return Group(semantics=semantics, contents=tuple(GroupContent(name=name) for name in names))
