"""What an account holds: planned, cut, seen closed, looked at again, given back."""
