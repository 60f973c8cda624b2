"""The licences of all that goes into an image: read from the packages, checked by a list."""
