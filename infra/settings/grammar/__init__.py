"""What a value may look like, by the rules of who will read it: Kubernetes, git, registries."""
