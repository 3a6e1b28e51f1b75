"""The page's own files: read from the package once, named by what is in them, so that a browser keeps them for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

# Said here, for what a machine thinks of these endings differs from one to the next.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_INDEX = "index.html"
_HERE = b"web/@/"  # where index.html has the version to come
_MODULES = b"  <!-- modules -->\n"  # and where all modules are named, so that none waits for the one that imports it
_PRELOAD = '  <link rel="modulepreload" href="web/@/{}">\n'
_SCRIPT = "theme.js"  # the one that is no module


@dataclass(frozen=True)
class File:
    """A file as it is served."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Page:
    """All files of the page: `version` is a digest of them and part of every address but that of the index."""

    version: str
    index: File
    files: dict[str, File]

    @classmethod
    def of_package(cls) -> Page:
        """The page that comes with this package."""
        found = {
            file.name: File(file.read_bytes(), _TYPES[_ending(file.name)])
            for file in sorted((files("api") / "web").iterdir(), key=lambda one: one.name)
            if file.is_file()
        }
        version = hashlib.sha256(b"".join(file.content for file in found.values())).hexdigest()[:12]
        index = found.pop(_INDEX)
        modules = [name for name in found if name.endswith(".js") and name != _SCRIPT]
        preloads = "".join(_PRELOAD.format(name) for name in modules).encode()
        content = index.content.replace(_MODULES, preloads).replace(_HERE, f"web/{version}/".encode())
        return cls(version, File(content, index.media_type), found)


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2]
