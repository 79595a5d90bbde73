"""What a paper shows by itself: its title, its bytes, their signatures and seals.  No register is asked."""
