"""Embeddings: computed by extractors, stored, compared, and searched for neighbours."""
