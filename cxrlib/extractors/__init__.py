"""Extractors: an image in, an embedding and named outputs out."""

from cxrlib.extractors.info import ExtractorInfo

__all__ = ["ExtractorInfo"]
