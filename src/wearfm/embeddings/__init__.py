"""Embeddings: a store or plain arrays in, a table with one vector a window out.

`table` needs no torch; `extract`, `embedder` and `handmade` do.
"""
