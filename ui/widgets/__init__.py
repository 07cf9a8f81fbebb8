"""Widgets that every page uses: figures, tables, links, text."""
