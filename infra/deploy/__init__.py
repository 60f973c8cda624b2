"""Ways to bring the program onto a cluster."""
