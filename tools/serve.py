"""Serve the built site as hosts do, compressed: python tools/serve.py [SITE] [--port 8000]"""

import argparse
import functools
import http.server
import io
from pathlib import Path

import brotli

TEXT = {".html", ".css", ".js", ".svg", ".json", ".xml", ".txt"}
SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


@functools.cache
def compressed(path, changed):
    return brotli.compress(Path(path).read_bytes(), quality=9)


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in TEXT or not path.is_file():
            return super().send_head()
        if "br" not in self.headers.get("Accept-Encoding", ""):
            return super().send_head()
        body = compressed(str(path), path.stat().st_mtime)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "br")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def send_error(self, code, message=None, explain=None):
        """A page that is not there is answered with the site's own."""
        page = Path(self.directory, "404.html")
        if code != 404 or not page.exists():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


def server(site, port=0):
    handler = functools.partial(Handler, directory=str(site))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("site", nargs="?", type=Path, default=SITE)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    with server(arguments.site, arguments.port) as httpd:
        print(f"http://127.0.0.1:{httpd.server_port}/", flush=True)
        httpd.serve_forever()
