"""Pack the built site into one zip that opens from a disk: python zip_site.py SITE ZIP"""

import sys
import zipfile
from pathlib import Path


def pack(site, target):
    """Write the site into one folder of the zip, named as the zip; return its number of files."""
    if not (site / "index.html").exists():
        raise SystemExit(f"No site in {site}; build it first: make book")
    paths = sorted(p for p in site.rglob("*") if p.is_file() and not p.name.startswith("."))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, Path(target.stem, path.relative_to(site)))
    return len(paths)


if __name__ == "__main__":
    site, target = map(Path, sys.argv[1:])
    count = pack(site, target)
    print(f"{target}: {count} files, {target.stat().st_size / 1e6:.1f} MB")
    print(f"Unzip it anywhere and open {target.stem}/index.html in a browser; no server is needed.")
