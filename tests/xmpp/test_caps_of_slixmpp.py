"""The digest of disco answers, beside slixmpp's own."""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slixmpp import ComponentXMPP

from jinglebridge.protocol.disco.features import CALLABLE
from jinglebridge.protocol.disco.xep_0004 import Field, Form, Value
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, Feature, Identity, info_of
from jinglebridge.protocol.disco.xep_0115 import verification_string
from jinglebridge.protocol.xml import build, parse
from tests.protocol.disco.test_xep_0115 import COMPLEX, SIMPLE


@pytest.fixture(scope="module")
def plugins() -> Iterator[Any]:
    """slixmpp's plugins, never connected."""
    component = ComponentXMPP("x.example", "secret", "127.0.0.1", 1)  # type: ignore[no-untyped-call] # slixmpp leaves it so
    component.register_plugin("xep_0115")
    yield component.plugin
    component.loop.close()


def theirs(plugins: Any, info: DiscoInfo) -> object:
    disco = plugins["xep_0030"].stanza.DiscoInfo(xml=fromstring(tostring(build(info))))
    return plugins["xep_0115"].generate_verstring(disco, "sha-1")


@pytest.mark.parametrize("text", [SIMPLE, COMPLEX], ids=["5.2", "5.3"])
def test_the_examples_of_the_standard(plugins: Any, text: str) -> None:
    info = parse(DiscoInfo, fromstring(text))
    assert verification_string(info) == theirs(plugins, info)


def test_our_own(plugins: Any) -> None:
    info = info_of(Identity(category="client", type="bot", name="Écho & <more>"), CALLABLE)
    assert verification_string(info) == theirs(plugins, info)


# slixmpp sorts identities after joining them and keeps a form's fields by name: what differs there
# is not generated here (tests/protocol/disco holds it)
words = st.text("abcé:#-01", min_size=1, max_size=6)
forms = st.builds(
    lambda kind, fields: Form(
        type="result",
        fields=(
            Field(var="FORM_TYPE", type="hidden", values=(Value(text=kind),)),
            *(
                Field(var=name, type="text-multi", values=tuple(Value(text=item) for item in found))
                for name, found in fields.items()
            ),
        ),
    ),
    words,
    st.dictionaries(words, st.lists(words, min_size=1, max_size=3), max_size=3),
)


@given(
    st.lists(
        st.builds(Identity, category=words, type=st.just("t"), name=words),
        min_size=1,
        max_size=1,
    ),
    st.lists(words, unique=True, min_size=1, max_size=8),
    st.lists(forms, max_size=2, unique_by=lambda form: form.fields[0].texts),
)
def test_any_answer(
    plugins: Any, identities: list[Identity], features: list[str], found: list[Form]
) -> None:
    info = DiscoInfo(
        identities=tuple(identities),
        features=tuple(Feature(var=var) for var in features),
        forms=tuple(found),
    )
    assert verification_string(info) == theirs(plugins, info)
