"""Any causal model of the `transformers` library, with adapters and GGUF: correct for every architecture."""
