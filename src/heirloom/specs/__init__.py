"""What may stand in a config: frozen pydantic models, one module a family, one for sources and one for regimes."""
