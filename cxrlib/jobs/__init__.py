"""Long work in processes of its own: the queue, its records, and the worker."""
