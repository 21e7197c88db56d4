"""Headers that keep the page to itself."""

from __future__ import annotations

import re

from aiohttp import web

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")

_PERMISSIONS = "camera=(self), microphone=(self), display-capture=(self), geolocation=(), usb=()"


def content_security_policy(host: str) -> str:
    """Build the policy of a page that was requested from `host`.

    Older Safari does not count WebSocket as part of 'self', so the two URLs are spelt out.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self' blob: mediastream:",
            f"connect-src 'self'{sockets}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler of `on_response_prepare`: errors get the headers too."""
    response.headers["Content-Security-Policy"] = content_security_policy(request.host)
    response.headers["Server"] = "jinglebridge"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Permissions-Policy"] = _PERMISSIONS
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"


def is_same_origin(request: web.Request) -> bool:
    """Whether a browser says that our own page asks; programs send no Origin at all.

    The scheme is not compared: TLS may end at a proxy in front of us.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return origin.partition("://")[2].lower() == request.host.lower()
