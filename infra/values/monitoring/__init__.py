"""What watches the platform, as Kubernetes objects: pure functions of the settings."""
