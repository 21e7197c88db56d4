"""XEP-0115: Entity Capabilities, version 1.6.0.

What others announce is believed only when the answer's digest is the announced one, and only when
no other answer has the same: the text that is digested puts ``<`` and ``/`` between values that
may hold them, so that an answer could be dressed up as somebody else's (XEP-0115 §8.1). Such
answers are refused here, beside those that §5.4 calls ill-formed.
"""

import base64
import hashlib
from collections.abc import Iterator

from jinglebridge.errors import MalformedStanza
from jinglebridge.protocol.disco.xep_0004 import Form
from jinglebridge.protocol.disco.xep_0030 import DiscoInfo, Identity
from jinglebridge.protocol.xml import TEXT, attribute, element

NAMESPACE = "http://jabber.org/protocol/caps"
SHA_1 = "sha-1"
_ALGORITHMS = {
    SHA_1: "sha1",
    "sha-256": "sha256",
    "sha-384": "sha384",
    "sha-512": "sha512",
}
"""Names of hash functions in IANA's registry, and Python's for them; SHA-1 is everybody's."""


@element(NAMESPACE, "c")
class Capabilities:
    """In presence: who asks ``node#ver`` gets exactly what ``ver`` is the digest of."""

    hash: str = attribute(TEXT)
    node: str = attribute(TEXT)
    ver: str = attribute(TEXT)


def verification_string(info: DiscoInfo, algorithm: str = SHA_1) -> str:
    """The digest of an answer, in base64 (XEP-0115 §5.1).

    Args:
        info: the answer.
        algorithm: a name of IANA's registry.

    Raises:
        MalformedStanza: no such algorithm is used here.
    """
    name = _ALGORITHMS.get(algorithm.lower())
    if name is None:
        raise MalformedStanza(f"no digest is made with {algorithm[:40]!r}")
    text = "".join(f"{item}<" for item in _parts(info))
    digest = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _parts(info: DiscoInfo) -> Iterator[str]:
    # sorted before they are joined: the separators would change the order
    identities = sorted(
        (item.category, item.type, item.lang or "", item.name or "") for item in info.identities
    )
    yield from map("/".join, identities)
    yield from sorted(item.var for item in info.features)
    for form_type, form in sorted(_typed(info.forms), key=lambda pair: pair[0]):
        yield form_type
        fields = [(field.var or "", field.texts) for field in form.fields]
        for var, texts in sorted(fields):
            if var != "FORM_TYPE":
                yield var
                yield from sorted(texts)


def _typed(forms: tuple[Form, ...]) -> Iterator[tuple[str, Form]]:
    """The forms that count: those with a hidden FORM_TYPE (XEP-0115 §5.4)."""
    for form in forms:
        field = form.form_type
        if field is not None and field.type == "hidden" and field.texts:
            yield field.texts[0], form


def check_digest(info: DiscoInfo, announced: Capabilities) -> None:
    """See whether an answer is the one that was announced (XEP-0115 §5.4).

    Raises:
        MalformedStanza: it is not, or it is ill-formed, or another answer could have its digest.
    """
    identities = [(item.category, item.type, item.lang, item.name) for item in info.identities]
    if len(set(identities)) < len(identities):
        raise MalformedStanza("an identity stands twice")
    if len(info.vars) < len(info.features):
        raise MalformedStanza("a feature stands twice")
    _check_forms(info.forms)
    if any("<" in part for part in _parts(info)):
        raise MalformedStanza("a name holds what separates names")
    if not all(map(_is_plain, info.identities)):
        raise MalformedStanza("an identity reads in two ways")
    if any(_could_be_identity(var) for var in info.vars):
        raise MalformedStanza("a feature reads as an identity")
    if any(form_type >= max(info.vars, default="") for form_type, _ in _typed(info.forms)):
        raise MalformedStanza("a form reads as features")
    if verification_string(info, announced.hash) != announced.ver:
        raise MalformedStanza("the digest is another")


def _check_forms(forms: tuple[Form, ...]) -> None:
    if any(len(set(form.form_type.texts)) > 1 for form in forms if form.form_type is not None):
        raise MalformedStanza("a form has two types")
    types = [form_type for form_type, _ in _typed(forms)]
    if len(set(types)) < len(types):
        raise MalformedStanza("two forms are of one type")


def _is_plain(identity: Identity) -> bool:
    named = identity.category and identity.type
    return bool(named) and "/" not in f"{identity.category}{identity.type}{identity.lang or ''}"


def _could_be_identity(var: str) -> bool:
    category, *others = var.split("/", 3)
    return len(others) == 3 and bool(category and others[0])


def capabilities_of(info: DiscoInfo, node: str) -> Capabilities:
    """What presence says of an answer."""
    return Capabilities(hash=SHA_1, node=node, ver=verification_string(info))
