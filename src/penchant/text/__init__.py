"""Texts as vectors and words: encoders, their weights and caches, word segmentation."""
