"""Looking at the dashboard in a browser."""
