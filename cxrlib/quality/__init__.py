"""Data quality: the ledger of what the rules found, and flags on images."""
