"""The embedded cluster: a real one-node Kubernetes in namespaces and cgroups of its own."""
