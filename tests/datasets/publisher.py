"""A publisher on this machine: PhysioNet, Zenodo, figshare and plain files over HTTP, with ranges, versions and mishaps."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Publisher:
    """Answers GET with `files`; what it was asked is in `asked` as (path, Range).

    mishaps: path -> what happens to the next requests, in order: "" for nothing, "cut N" to close the connection after N
    bytes, a number to answer with that status. ranges: whether Range is understood. versions: path -> ETag; by default one
    made of the content, None for none.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.mishaps: dict[str, list[str]] = defaultdict(list)
        self.versions: dict[str, str | None] = {}
        self.ranges = True
        self.heeds_versions = True
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    def physionet(self, release: str, files: Mapping[str, bytes], *, sums: Mapping[str, str] | None = None) -> None:
        """Publish a release; sums: hashes to list instead of the true ones."""
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()} | dict(sums or {})
        self.files |= {f"/files/{release}/{path}": content for path, content in files.items()}
        self.files[f"/files/{release}/SHA256SUMS.txt"] = "".join(f"{h} {' '}{p}\n" for p, h in hashes.items()).encode()

    def zenodo(self, number: int, files: Mapping[str, bytes], **odd: Any) -> None:
        """Publish a record; odd: fields to put in place of the true ones of every file."""
        listed = [
            {
                "key": name,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
                "links": {"self": f"https://zenodo.org/api/records/{number}/files/{name}/content"},
                **odd,
            }
            for name, content in files.items()
        ]
        self.files |= {f"/api/records/{number}/files/{name}/content": content for name, content in files.items()}
        self.files[f"/api/records/{number}"] = json.dumps({"files": listed}).encode()

    def figshare(self, number: int, files: Mapping[str, bytes], *, version: str = "") -> None:
        """Publish an article."""
        listed = [
            {
                "name": name,
                "size": len(content),
                "computed_md5": hashlib.md5(content).hexdigest(),
                "download_url": f"https://ndownloader.figshare.com/files/{number}{place}",
            }
            for place, (name, content) in enumerate(files.items())
        ]
        self.files |= {f"/files/{number}{place}": content for place, content in enumerate(files.values())}
        self.files[f"/v2/articles/{number}{version}"] = json.dumps({"files": listed}).encode()

    @property
    def mirrors(self) -> dict[str, str]:
        """The official addresses, and where this one stands in for them."""
        hosts = ("physionet.org", "zenodo.org", "api.figshare.com", "ndownloader.figshare.com", "files.org")
        return {f"https://{host}": self.url for host in hosts}

    def times(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(each == path for each, _ in self.asked)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, wanted = handler.path, handler.headers.get("Range", "")
        self.asked.append((path, wanted))
        mishap = self.mishaps[path].pop(0) if self.mishaps[path] else ""
        if mishap.isdigit() or path not in self.files:
            status = int(mishap or 404)
            handler.send_response(status)
            handler.send_header("Retry-After", "0")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        content = self.files[path]
        version = self.versions.get(path, f'"{hashlib.md5(content).hexdigest()}"')
        first = self._first(handler, wanted, version)
        if first >= len(content) > 0:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
        elif first:
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        body = content[first:]
        if version is not None:
            handler.send_header("ETag", version)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: int(mishap.removeprefix("cut "))] if mishap else body)
        handler.close_connection = True

    def _first(self, handler: BaseHTTPRequestHandler, wanted: str, version: str | None) -> int:
        found = re.fullmatch(r"bytes=(\d+)-", wanted)
        condition = handler.headers.get("If-Range")
        fits = condition is None or condition == version or not self.heeds_versions
        return int(found[1]) if found and self.ranges and fits else 0


@contextlib.contextmanager
def published() -> Iterator[Publisher]:
    """Run a publisher for a while."""
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a client that left in the middle of an answer."""

    with Server(("127.0.0.1", 0), Handler) as server:
        publisher.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()
