"""HR's notices: read and checked, then opened as cases, corrected, moved, withdrawn."""
