"""An OpenAI-compatible endpoint: chat completions over HTTP, retried as the server asks."""

import http.client
import json
import os
import random
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from gem.errors import ConfigError
from gem.llm.message import Ask, EgressRefused, ModelDown, Reply, reply_of

_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
_LONGEST_S = 120.0
"""A server that wants a longer wait than this is down for our purposes."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead data to a host that nobody allowed."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Endpoint:
    """POSTs to `url`/chat/completions. Proxies of the environment are not used, redirects are not followed.

    key_env    name of the environment variable with the key, or None
    timeout_s  of one try
    tries      of one request, waits between them as Retry-After says, else 1, 2, 4 ... s

    Raises `ConfigError` for a URL that is none, or a key that is not set.
    """

    def __init__(self, url: str, key_env: str | None = None, timeout_s: float = 120.0, tries: int = 6) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigError(f"{url}: an http or https URL is needed, e.g. http://127.0.0.1:8000/v1")
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._headers = {"Content-Type": "application/json"}
        if key_env is not None:
            key = os.environ.get(key_env)
            if not key:
                raise ConfigError(f"the key of {url} is read from ${key_env}, but that is not set")
            self._headers["Authorization"] = f"Bearer {key}"
        self._timeout_s, self._tries = timeout_s, tries
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def send(self, ask: Ask) -> Reply:
        """The answer. Raises `ModelDown` when every try failed, `Unanswered` when the answer is of no use."""
        data = json.dumps(ask.body(), ensure_ascii=False).encode()
        why = ""
        for attempt in range(self._tries):
            wait: float | None = None
            try:
                request = urllib.request.Request(self._url, data, self._headers)  # noqa: S310 (http or https, checked above)
                with self._opener.open(request, timeout=self._timeout_s) as response:
                    return reply_of(json.loads(response.read()), ask.model)
            except urllib.error.HTTPError as fault:
                why, wait = f"HTTP {fault.code} {fault.read(300).decode(errors='replace').strip()}", retry_after(fault.headers)
                if fault.code not in _AGAIN:
                    raise ModelDown(f"{self._url}: {why}; check url, model and key") from fault
            except (TimeoutError, OSError, http.client.HTTPException, ValueError) as fault:
                why = f"{type(fault).__name__}: {getattr(fault, 'reason', fault)}"
            if attempt + 1 < self._tries:
                pause = wait if wait is not None else min(2.0**attempt, 60.0) * random.uniform(0.5, 1.0)
                if pause > _LONGEST_S:
                    break
                time.sleep(pause)
        raise ModelDown(f"{self._url}: no answer after {self._tries} tries ({why}); what was done is kept, start again when it is up")


def retry_after(headers: Any) -> float | None:
    """Seconds that a Retry-After header asks to wait (a number or a date), or None."""
    text = headers.get("Retry-After") if headers is not None else None
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def check_egress(url: str, data_class: str, hosts: tuple[str, ...]) -> None:
    """Open data may go anywhere, other data to `hosts` only. Raises `EgressRefused`."""
    host = urlsplit(url).hostname
    if data_class != "open" and host not in hosts:
        raise EgressRefused(
            f"{url}: {data_class} data may go to {', '.join(hosts) or 'no host'} only, not to {host};"
            " serve the model there, or list the host in `hosts` if its operator may have them"
        )
