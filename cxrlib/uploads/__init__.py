"""Uploaded images: decoded in an isolated process, placed on a map."""
