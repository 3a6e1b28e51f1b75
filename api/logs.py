"""Logs as JSON lines on standard error: one object a line, with the event and its fields."""

from __future__ import annotations

import datetime as dt
import json
import logging
import logging.config
from typing import Any


class JsonLines(logging.Formatter):
    """Time, level, event, then the fields that the event was logged with."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "api.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
    "loggers": {
        "reelgraph": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "graph": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def config(*, access: bool) -> dict[str, Any]:
    """For logging.config.dictConfig, and uvicorn, which hands it to its workers. access: a line for each request."""
    quiet = {} if access else {"reelgraph.access": {"level": "WARNING"}}
    return _CONFIG | {"loggers": _CONFIG["loggers"] | quiet}
