"""Who may call by default, and what the lists change."""

import pytest
from pydantic import SecretStr

from jinglebridge.app import access_rules
from jinglebridge.bridge.access import Access
from jinglebridge.config import AccessOptions, ComponentOptions, HttpOptions, Settings
from jinglebridge.dev.prosody import ANONYMOUS_DOMAIN, COMPONENT_DOMAIN, DOMAIN
from jinglebridge.errors import Forbidden, OperatorError


def access(
    component: str = "bridge.example.org",
    *,
    http: HttpOptions | None = None,
    **lists: tuple[str, ...],
) -> Access:
    settings = Settings.model_construct(
        component=ComponentOptions(jid=component, secret=SecretStr("s")),
        http=http or HttpOptions(),
        access=AccessOptions(**lists),
    )
    return Access(access_rules(settings))


def may(rules: Access, peer: str) -> bool:
    try:
        rules.admit(peer)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("juliet@example.org/balcony", True),
        ("juliet@example.org", True),
        ("example.org", True),
        ("romeo@example.net/orchard", False),
        ("romeo@anon.example.org/x", False),
        ("romeo@notexample.org/x", False),
        ("romeo@example.net/juliet@example.org", False),
        ("echo@bridge.example.org/media", False),
        ("org", False),
        ("", False),
    ],
)
def test_the_accounts_of_our_own_server_may(peer: str, expected: bool) -> None:
    assert may(access(), peer) is expected


def test_the_hosts_of_the_page_are_ours_too() -> None:
    rules = access(http=HttpOptions(domain="chat.example.com", anonymous_domain="guest.example"))
    assert may(rules, "juliet@chat.example.com/a")
    assert may(rules, "x@guest.example/a")
    assert may(rules, "juliet@example.org/a")


def test_the_private_server_of_dev_lets_its_accounts_and_guests_call() -> None:
    http = HttpOptions(domain=DOMAIN, anonymous_domain=ANONYMOUS_DOMAIN)
    rules = access(COMPONENT_DOMAIN, http=http)
    assert may(rules, f"demo@{DOMAIN}/page")
    assert may(rules, f"x@{ANONYMOUS_DOMAIN}/page")


@pytest.mark.parametrize(
    ("allow", "peer", "expected"),
    [
        (("*",), "romeo@example.net/x", True),
        (("example.net",), "romeo@example.net/x", True),
        (("example.net",), "juliet@example.org/x", False),
        (("Romeo@Example.NET",), "romeo@example.net/x", True),
        (("romeo@example.net",), "mercutio@example.net/x", False),
        (("*.example.net",), "romeo@a.b.example.net/x", True),
        (("*.example.net",), "romeo@example.net/x", False),
        (("*.net",), "romeo@example.net/x", True),
    ],
)
def test_a_list_says_who_may(allow: tuple[str, ...], peer: str, expected: bool) -> None:
    assert may(access(allow=allow), peer) is expected


@pytest.mark.parametrize("deny", ["romeo@example.net", "example.net", "*.net", "*"])
def test_who_is_denied_may_not_though_allowed(deny: str) -> None:
    rules = access(allow=("*", "romeo@example.net", "example.net"), deny=(deny,))
    assert not may(rules, "romeo@example.net/x")


def test_a_component_whom_nobody_may_call_does_not_start() -> None:
    with pytest.raises(OperatorError, match=r"access\.allow: nobody may call"):
        access("bridge")
    assert may(access("bridge", allow=("localhost",)), "juliet@localhost/x")
