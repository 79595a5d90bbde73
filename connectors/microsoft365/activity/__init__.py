"""What an account did, out of this tenant's own logs."""
