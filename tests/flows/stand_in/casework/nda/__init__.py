"""The stand-in keeps no papers."""
