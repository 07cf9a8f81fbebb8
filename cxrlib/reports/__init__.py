"""Exports: figures, tables, patient records, run reports, and the provenance they carry."""
