"""What lies under ``data/``: the kinds of artefacts and where each of them lies. The ground: nothing here imports the rest."""
