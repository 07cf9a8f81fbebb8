"""Images of a cohort for the eye: thumbnails, overlays, contact sheets, signed addresses."""
