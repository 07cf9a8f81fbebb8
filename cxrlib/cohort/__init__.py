"""The cohort: from metadata to a checked table of images, patients, persons and states."""
