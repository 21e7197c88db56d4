"""`jinglebridge dev`: what starts, in which order, and how it ends."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from pydantic import SecretStr

from jinglebridge.app import find_page, running, stop_signals, until_first
from jinglebridge.config import (
    AccessOptions,
    ComponentOptions,
    HttpOptions,
    LimitOptions,
    LogOptions,
    MediaOptions,
    ServiceOptions,
    Settings,
)
from jinglebridge.dev.certificate import self_signed_context
from jinglebridge.dev.prosody import (
    ANONYMOUS_DOMAIN,
    COMPONENT_DOMAIN,
    DOMAIN,
    PrivateProsody,
)
from jinglebridge.errors import OperatorError
from jinglebridge.http.listener import listen
from jinglebridge.http.page import DemoAccount, OfferedService
from jinglebridge.media.candidates import local_addresses

DEFAULT_PORTS = range(8080, 8100)
"""Tried in order when no port was asked for."""

_DEMO_USER = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What the command line says."""

    host: str = "127.0.0.1"
    """Address of this machine; anything but loopback is served over HTTPS."""
    port: int | None = None
    """TCP port of the page; None: the first free one of `DEFAULT_PORTS`."""


async def run(options: DevOptions) -> None:
    """Run until SIGINT or SIGTERM; nothing is left behind.

    Raises:
        OperatorError: Something is missing, busy, or ended by itself.
    """
    address = _address(options.host)
    # What can be wrong is looked at before anything is started.
    find_page(None)
    ports: Iterable[int] = DEFAULT_PORTS if options.port is None else (options.port,)
    with listen(address, ports) as listener, stop_signals() as stop:
        port = int(listener.getsockname()[1])
        tls = None if ip_address(address).is_loopback else self_signed_context(address)
        await until_first(stop.wait(), _serve(address, port, listener, tls))


async def _serve(
    address: str, port: int, listener: socket.socket, tls: ssl.SSLContext | None
) -> None:
    async with PrivateProsody() as prosody:
        password = secrets.token_urlsafe(9)
        demo = DemoAccount(jid=prosody.add_account(_DEMO_USER, password), password=password)
        settings = _settings(address, port, prosody)
        async with running(settings, listener=listener, tls=tls, demo=demo) as application:
            is_remote = tls is not None
            print(_banner(address, port, is_remote, application.services, demo), flush=True)
            await _ended_by_itself(prosody)


async def _ended_by_itself(prosody: PrivateProsody) -> None:
    await prosody.wait()
    raise OperatorError(f"Prosody ended by itself: {prosody.last_log_line()}")


def _address(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        raise OperatorError(
            f"the host must be an IP address of this machine, not {host!r}"
        ) from None
    if address.is_unspecified:
        raise OperatorError(f"the host must be one address of this machine, {host} is all of them")
    return str(address)


def _banner(
    address: str,
    port: int,
    remote: bool,
    services: tuple[OfferedService, ...],
    demo: DemoAccount,
) -> str:
    host = f"[{address}]" if ":" in address else address
    url = f"http{'s' if remote else ''}://{host}:{port}/"
    note = "   (self-signed: the browser asks once)" if remote else ""
    calls = "\n         ".join(f"{service.jid}   {service.name}" for service in services)
    return (
        "\n"
        f"  page   {url}{note}\n"
        f"  call   {calls}\n"
        f"  demo   {demo.jid}   password {demo.password}\n"
        "  stop   Ctrl-C\n"
    )


def _media(address: str) -> MediaOptions:
    if not ip_address(address).is_loopback:
        return MediaOptions(bind=(address,))
    # Firefox takes no loopback candidate of a peer, Chromium has none of its own: on one machine
    # they meet us at its other addresses.
    return MediaOptions(bind=(address, *local_addresses(())), allow_loopback=True)


def _settings(address: str, port: int, prosody: PrivateProsody) -> Settings:
    # Made without a look at the environment, which may be meant for `run`.
    return Settings.model_construct(
        component=ComponentOptions(
            jid=COMPONENT_DOMAIN,
            secret=SecretStr(prosody.component_secret),
            port=prosody.component_port,
        ),
        http=HttpOptions(
            host=address,
            port=port,
            domain=DOMAIN,
            anonymous_domain=ANONYMOUS_DOMAIN,
            bosh_upstream=prosody.bosh_url,
            websocket_upstream=prosody.websocket_url,
        ),
        media=_media(address),
        access=AccessOptions(),
        # whoever tries things out here calls again and again
        limits=LimitOptions(setups_per_minute_per_peer=600),
        services=ServiceOptions(),
        log=LogOptions(),
    )
