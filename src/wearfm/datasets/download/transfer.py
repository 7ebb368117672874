"""The wire: one connection at a time, interrupted ones resumed, and no byte taken for another file's.

GET, from the start          200   bytes go to `<name>.part`, with the version that the server names (ETag, else date)
GET, Range and If-Range      206   the same version: bytes are added
                             200   another version, or a server without ranges: from the start
broken, 408, 429, 5xx              again, after a pause, from where it broke; in the end one line, and the part stays
other refusals                     one line at once
whole                              size and hash are compared; a wrong one is fetched once more, then refused
"""

from __future__ import annotations

import contextlib
import http.client
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from wearfm.datasets.download.listing import Member
from wearfm.datasets.download.part import Part, Receipt, make_room
from wearfm.errors import CannotDownload

Count = Callable[[int], None]  # bytes more, or fewer, that are here

AGENT = "wearfm (open data sets by name; one connection)"
PAUSES_S = (1.0, 3.0, 10.0, 30.0)  # after the first, second ... fruitless try in a row
LONGEST_WAIT_S = 120.0  # what a server may ask us to wait
_TIMEOUT_S = 60.0
_CHUNK = 2**18
_GAINED = 2**20  # bytes after which a broken connection was not fruitless
_MOST_LISTING = 2**26
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class _Broken(Exception):
    """A try that another one may mend. wait_s: what the server asks for."""

    def __init__(self, words: str, *, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


class Wire:
    """Asks servers for listings and files.

    mirrors: beginnings of addresses, and what to ask instead of them. pauses_s: between fruitless tries.
    """

    def __init__(self, *, mirrors: Mapping[str, str], pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._mirrors = sorted(mirrors.items(), key=lambda pair: -len(pair[0]))
        self._pauses_s = tuple(pauses_s)

    def ask(self, url: str) -> bytes:
        """Return what an address answers; for listings."""
        answer = b""

        def once() -> None:
            nonlocal answer
            with self._open(url, {"Accept": "application/json, text/plain, */*"}) as response:
                answer = response.read(_MOST_LISTING + 1)
                if len(answer) < _announced(response, default=len(answer)):
                    raise _Broken(f"the connection ended after {len(answer)} bytes")

        self._insist(url, once, lambda: 0)
        if len(answer) > _MOST_LISTING:
            raise CannotDownload(f"{url}: the listing is longer than {_MOST_LISTING} bytes; is the address right?")
        return answer

    def fetch(self, member: Member, target: Path, *, count: Count) -> Receipt:
        """Bring a file to its place, checked, and return its size and hashes; what stood there stays until then."""
        part, fault = Part(target), ""
        with part.held():
            count(part.size)
            for _ in range(2):
                if member.size is None or part.size != member.size:
                    self._insist(member.url, lambda: self._receive(member, part, count), lambda: part.size)
                receipt = part.receipt()
                fault = receipt.fault(member)
                if not fault:
                    part.publish()
                    return receipt
                count(-part.size)
                part.empty()
            part.discard()
        raise CannotDownload(
            f"{member.url}: {fault}, twice over; nothing of it was kept: run again later, or ask the publisher"
        )

    def _insist(self, url: str, once: Callable[[], None], size: Callable[[], int]) -> None:
        """Try until it is done; CannotDownload after as many fruitless tries in a row as there are pauses, and one."""
        pauses = iter(self._pauses_s)
        while True:
            before = size()
            try:
                return once()
            except _Broken as broken:
                if size() - before >= _GAINED:
                    pauses = iter(self._pauses_s)
                pause = next(pauses, None)
                if pause is None:
                    raise CannotDownload(
                        f"{url}: {broken}, {len(self._pauses_s) + 1} times; run the same command again to go on from there"
                    ) from broken
                time.sleep(min(max(pause, broken.wait_s), LONGEST_WAIT_S))

    def _receive(self, member: Member, part: Part, count: Count) -> None:
        """Ask for what is missing, and add it."""
        if member.size is not None and part.size > member.size:
            _restart(part, count)
        conditions = part.conditions(member, member.url)
        with self._open(member.url, conditions) as response:
            if response.status == 416:
                return _at_the_end(response, part, count)
            total = _place(response, member, part, count) if response.status == 206 else _whole(response, member, part, count)
            if total is not None:
                make_room(part.path.parent, total - part.size)
            while chunk := response.read(_CHUNK):
                if total is not None and part.size + len(chunk) > total:
                    raise _Broken(f"more than {total} bytes came")
                part.append(chunk)
                count(len(chunk))
        if total is not None and part.size < total:
            raise _Broken(f"the connection ended at byte {part.size:,} of {total:,}")

    @contextlib.contextmanager
    def _open(self, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """Yield the answer to a GET, 200, 206 or 416; _Broken where another try may help, CannotDownload elsewhere."""
        asked = self._mirrored(url)
        if urlsplit(asked).scheme not in ("http", "https"):
            raise CannotDownload(f"{asked}: only http and https are asked; correct the address")
        try:
            try:
                response = urlopen(Request(asked, headers={"User-Agent": AGENT, **headers}), timeout=_TIMEOUT_S)
            except HTTPError as error:
                if error.code != 416:
                    raise
                response = error
            with response:
                yield response
        except HTTPError as error:
            error.close()
            if error.code in _AGAIN:
                wait = error.headers.get("Retry-After", "")
                raise _Broken(
                    f"the server says {error.code} {error.reason}", wait_s=float(wait) if wait.isdigit() else 0
                ) from error
            raise CannotDownload(
                f"{asked}: the server says {error.code} {error.reason}; see in a browser whether the address still holds"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(f"no connection ({getattr(error, 'reason', None) or error})") from error

    def _mirrored(self, url: str) -> str:
        """Return the address to ask, every sign that may not stand in one escaped."""
        for official, mirror in self._mirrors:
            if url.startswith(official):
                url = mirror + url.removeprefix(official)
                break
        return quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def _whole(response: Any, member: Member, part: Part, count: Count) -> int | None:
    """Begin anew with an answer of all bytes; return how many will come, None if nobody says."""
    total: int | None = _announced(response, default=member.size)
    if member.size is not None and total != member.size:
        raise _Broken(f"the server sends {total} bytes, {member.size} are listed")
    count(-part.size)
    part.begin(member.url, _version(response))
    return total


def _place(response: Any, member: Member, part: Part, count: Count) -> int:
    """Return how many bytes there will be with an answer of the rest; begin anew if it does not continue what lies here."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    fits = found is not None and int(found[1]) == part.size and (member.size is None or int(found[2]) == member.size)
    if found is None or not fits or not part.is_of(member.url, _version(response)):
        _restart(part, count)
        raise _Broken("the file has changed at the server since the download began")
    return int(found[2])


def _at_the_end(response: Any, part: Part, count: Count) -> None:
    """Take note that there is no byte after those that lie here; begin anew if there are fewer."""
    if response.headers.get("Content-Range", "") != f"bytes */{part.size}":
        _restart(part, count)
        raise _Broken("the file has changed at the server since the download began")


def _restart(part: Part, count: Count) -> None:
    count(-part.size)
    part.empty()


def _version(response: Any) -> str:
    """Return what names the version of a file byte by byte, fit for If-Range: a strong ETag, else its date; "" for neither."""
    tag = str(response.headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _announced(response: Any, *, default: int | None) -> Any:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else default
