"""What happens to access: giving back lives here."""
