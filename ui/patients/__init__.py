"""Parts of the patients page."""
