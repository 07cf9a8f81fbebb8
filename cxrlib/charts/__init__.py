"""Charts: pure functions from tables to Plotly figures, one module a page."""
