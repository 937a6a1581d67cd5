"""Vega, Vega-Lite and Vega-Embed as one script from the installed `vl-convert`, so that the page needs no network."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text

CACHE = Path(".heirloom/cache")


def script() -> str:
    """Return the script that defines ``vegaEmbed``. Bundling takes seconds, so it is kept in ``.heirloom/`` until versions change."""
    import vl_convert

    versions = (vl_convert.get_vega_version(), vl_convert.get_vegalite_versions()[-1], vl_convert.get_vega_embed_version())
    file = CACHE / f"vega-{'-'.join(versions)}.js"
    if not file.is_file():
        write_text(file, str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")))
    return file.read_text(encoding="utf-8")
