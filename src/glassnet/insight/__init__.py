"""To see into a network: its numbers, its gradients, its mistakes; one's own or somebody else's."""
