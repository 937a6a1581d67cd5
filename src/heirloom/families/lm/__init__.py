"""The engine room of language models: one loop, one state, one scoring, one sampling, one editing and one evaluation.

They see a model as a `network.Network`. There are two: the native Llama (`native`) and any causal model of `transformers` (`library`).
"""
