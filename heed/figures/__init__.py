"""Attention as SVG and HTML: plain text, made without any other package.

`heed.views` shows answers with it, and `heed evaluate --report` a model.
"""
