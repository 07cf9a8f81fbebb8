"""Tests of `cxrlib.images.image_files`."""
