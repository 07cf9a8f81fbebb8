"""Image files: decoding, DICOM, and reading many of them in parallel."""
