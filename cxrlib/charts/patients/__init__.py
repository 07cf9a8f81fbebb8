"""Charts of the patients page."""
