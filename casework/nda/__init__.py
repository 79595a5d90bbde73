"""Which confidentiality papers bind the leaver, and can be shown.  Nothing in here holds up a cut, or a close."""
