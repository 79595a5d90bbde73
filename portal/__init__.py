"""What is shown, drawn and printed: it tells what casework knows, and decides nothing."""
