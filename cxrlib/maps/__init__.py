"""Maps: projections, density, trajectories, and how reliable they are."""
