"""A hub of datasets on this machine: what the Hugging Face hub answers, over loopback HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

COMMIT = "c0ffee" + "0" * 34
"""What every revision that there is stands for."""

Files = Mapping[str, bytes]


@contextmanager
def dataset_hub(monkeypatch: pytest.MonkeyPatch, datasets: Mapping[str, Files]) -> Iterator[str]:
    """Serve datasets by their names, each the bytes of its files by their paths, and have the
    installation ask there."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.datasets = datasets
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", address)
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    datasets: Mapping[str, Files]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/").removeprefix("api/").removeprefix("datasets/")
        name = "/".join(path.split("/")[:2])
        files = self.server.datasets.get(name)
        if files is None:
            self._missing("RepoNotFound")
            return
        asked, _, place = path[len(name) + 1 :].partition("/")
        revision, _, inside = place.partition("/")
        if revision not in ("", "main", COMMIT):
            self._missing("RevisionNotFound")
        elif asked == "resolve":
            self._file(files.get(inside))
        elif asked == "tree":
            self._tree({path: held for path, held in files.items() if path.startswith(inside)})
        elif asked == "paths-info":
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            wanted = parse_qs(body).get("paths", [])
            self._json([_entry(path, files[path]) for path in wanted if path in files])
        else:
            self._json({"id": name, "sha": COMMIT, "siblings": [], "tags": []})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_said: object) -> None:
        """Silence: what a test prints is the test's."""

    def _tree(self, files: Files) -> None:
        if files:
            self._json([_entry(path, held) for path, held in files.items()])
        else:
            self._missing("EntryNotFound")

    def _file(self, held: bytes | None) -> None:
        if held is None:
            self._missing("EntryNotFound")
            return
        headers = {"ETag": f'"{_name_of(held)}"', "X-Repo-Commit": COMMIT}
        wanted = self.headers.get("Range")
        if wanted is None or self.command == "HEAD":
            self._answer(200, held, {**headers, "Accept-Ranges": "bytes"})
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = held[int(first) : int(last or len(held) - 1) + 1]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(held)}"
        self._answer(206, part, {**headers, "Content-Range": span})

    def _missing(self, what: str) -> None:
        self._answer(404, b"{}", {"X-Error-Code": what})

    def _json(self, value: Any) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(path: str, held: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "size": len(held), "oid": _name_of(held)}


def _name_of(held: bytes) -> str:
    return hashlib.sha256(held).hexdigest()[:40]
