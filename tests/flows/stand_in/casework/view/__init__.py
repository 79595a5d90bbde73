"""What the stand-in shows."""
