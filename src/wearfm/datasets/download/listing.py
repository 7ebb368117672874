"""Listings: what a publisher keeps at an address, with sizes and hashes as far as it says them.

    physionet   <release>/SHA256SUMS.txt                           "<sha256>  <path>" a line; no sizes
    zenodo      <host>/api/records/<number>                        files: key, size, checksum "md5:...", links.self
    figshare    api.<host>/v2/articles/<number>[/versions/<n>]     files: name, size, computed_md5, download_url
    file        nothing is asked: the card says it all

Names come from outside: one that would lie beyond the data set's folder is refused, with the whole listing.
Sources: PhysioNet, "Downloading files" (2024); developers.zenodo.org (2024); docs.figshare.com (2024).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from wearfm.datasets.base import Address
from wearfm.errors import BadConfiguration, CannotDownload

LEDGER = "wearfm-download.json"
PART = ".part"
Ask = Callable[[str], bytes]  # address -> what it answers

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file at a publisher's.

    path: below the data set's folder. size: None if not said. hash: "md5:...", "sha256:..." or "". hash_from: says in words
    who expects it.
    """

    url: str
    path: str
    size: int | None = None
    hash: str = ""
    unpack: bool = True
    hash_from: str = "is listed"


def members(address: Address, ask: Ask) -> list[Member]:
    """Return what is wanted of an address, in the publisher's order; CannotDownload if that is nothing."""
    listed = list(_LISTINGS[address.kind](address, ask))
    found = [one for one in listed if not address.only or any(fnmatchcase(one.path, pattern) for pattern in address.only)]
    if not found:
        wanted = ", ".join(address.only) or "any file"
        raise CannotDownload(f"{address.url}: {len(listed)} files are listed, none is {wanted}; correct the card's address")
    if address.kind == "file":
        return found
    return [_moved(one, address.path) for one in found]


def safe(name: str, *, where: str) -> str:
    """Return a relative path that stays below its folder, as it is; CannotDownload for any other."""
    plain = name.removeprefix("./")
    parts = plain.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or re.search(r"[\x00-\x1f\\]|^[A-Za-z]:", plain)
    if odd or parts[-1].endswith(PART) or plain == LEDGER:
        raise CannotDownload(
            f"{where}: the name {name!r} would not be a file of its own in the folder; nothing was written to it"
        )
    return plain


def _moved(member: Member, folder: str) -> Member:
    path = f"{folder.rstrip('/')}/{member.path}" if folder else member.path
    return replace(member, path=path)


def _physionet(address: Address, ask: Ask) -> Iterator[Member]:
    release = address.url.replace("/content/", "/files/").rstrip("/")
    sums = f"{release}/SHA256SUMS.txt"
    for number, line in enumerate(ask(sums).decode("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise CannotDownload(f"{sums}: line {number} is {line[:60]!r}, not a hash and a path; is the address a release?")
        path = safe(found[2], where=sums)
        yield Member(url=f"{release}/{quote(path)}", path=path, hash=f"sha256:{found[1].lower()}", unpack=address.unpack)


def _zenodo(address: Address, ask: Ask) -> Iterator[Member]:
    split = urlsplit(address.url)
    api = f"{split.scheme}://{split.netloc}/api/records/{_numbers(address)[0]}"
    for file in _files(api, ask):
        with _as_described(api):
            yield Member(
                url=file["links"]["self"],
                path=safe(file["key"], where=api),
                size=int(file["size"]),
                hash=_checked(file["checksum"], api),
                unpack=address.unpack,
            )


def _figshare(address: Address, ask: Ask) -> Iterator[Member]:
    split = urlsplit(address.url)
    article, *version = _numbers(address)
    host = "api." + split.netloc.removeprefix("www.").removeprefix("api.")
    api = f"{split.scheme}://{host}/v2/articles/{article}" + "".join(f"/versions/{one}" for one in version)
    for file in _files(api, ask):
        with _as_described(api):
            yield Member(
                url=file["download_url"],
                path=safe(file["name"], where=api),
                size=int(file["size"]),
                hash=_checked(f"md5:{file['computed_md5']}", api),
                unpack=address.unpack,
            )


def _file(address: Address, _: Ask) -> Iterator[Member]:
    own = unquote(urlsplit(address.url).path).rpartition("/")[2]
    path = address.path + own if address.path.endswith("/") else address.path or own
    sha256 = f"sha256:{address.sha256.lower()}" if address.sha256 else ""
    yield Member(url=address.url, path=safe(path, where=address.url), hash=sha256, unpack=address.unpack)


_LISTINGS: dict[str, Callable[[Address, Ask], Iterator[Member]]] = {
    "physionet": _physionet,
    "zenodo": _zenodo,
    "figshare": _figshare,
    "file": _file,
}


def _numbers(address: Address) -> list[str]:
    """Return the numbers at the end of an address: a record or article, and perhaps a version."""
    found = re.search(r"/(\d+)(?:/(?:versions/)?(\d+))?/?$", urlsplit(address.url).path)
    if found is None:
        raise BadConfiguration(f"{address.url} does not end in the number of a {address.kind} record; correct the card")
    return [one for one in found.groups() if one]


def _files(api: str, ask: Ask) -> list[dict[str, Any]]:
    """Return the list `files` of a JSON answer."""
    try:
        files = json.loads(ask(api))["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise CannotDownload(f"{api}: the answer lists no files ({error!r}); see whether the record is open") from error
    if not isinstance(files, list):
        raise CannotDownload(f"{api}: the answer's files are a {type(files).__name__}, not a list; see whether it is open")
    return files


@contextlib.contextmanager
def _as_described(api: str) -> Iterator[None]:
    """Say of a missing or odd field which listing it is missing in."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CannotDownload(f"{api}: a file of the listing is not described as expected ({error!r})") from error


def _checked(published: str, api: str) -> str:
    """Return a hash "kind:hexadecimal" that can be computed."""
    if re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", published) is None:
        raise CannotDownload(f"{api}: {published!r} is neither an MD5 nor a SHA-256; a file without a hash is not taken")
    return published
