"""What an account holds: read, planned, cut, seen closed.  The truth table and everything that changes it."""
