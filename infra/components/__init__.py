"""The components of the program, one ComponentResource a file."""
