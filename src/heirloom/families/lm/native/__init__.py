"""The native Llama: tensors of our own, checkpoints of Hugging Face's, gradients and decoding written by hand."""
