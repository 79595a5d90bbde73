"""Pages, drawings and prints of casework's data.  This package decides nothing."""
