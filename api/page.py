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
_INDEX, _DOCS = "index.html", "docs.html"
_HERE = b"web/@/"  # where index.html has the version to come
_MODULES = b"  <!-- modules -->\n"  # and where all modules are named, so that none waits for the one that imports it
_PRELOAD = '  <link rel="modulepreload" href="web/@/{}">\n'
_ALONE = {"theme.js", "docs.js", "graphiql.js"}  # no modules of the page


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
    docs: File
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
        modules = [name for name in found if name.endswith(".js") and name not in _ALONE]
        preloads = "".join(_PRELOAD.format(name) for name in modules).encode()

        def named(name: str) -> File:
            file = found.pop(name)
            content = file.content.replace(_MODULES, preloads).replace(_HERE, f"web/{version}/".encode())
            return File(content, file.media_type)

        return cls(version, named(_INDEX), named(_DOCS), found)


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2]
