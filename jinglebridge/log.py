"""Logging: structlog over the standard library, to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog

_SECRET_KEYS = ("password", "secret", "pwd", "token", "credential")
_HIDDEN = "[hidden]"
# At their own debug level these write whole stanzas, candidates and keys.
_TALKATIVE = ("slixmpp", "aioice", "aiortc", "aiohttp", "asyncio")


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["console", "json"] = "console",
) -> None:
    """Set logging up for the whole process.

    Args:
        level: from which level on; libraries stay at `warning` or above.
        form: lines for people, or one JSON object a line.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=form == "json"),
        hide_secrets,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # the default prints local variables, keys among them, and takes seconds for it
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    last: list[structlog.types.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta
    ]
    if form == "json":
        last.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[*last, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def hide_secrets(logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Structlog processor: values of keys that name a secret never reach a line."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_KEYS):
            event[key] = _HIDDEN
    return event
