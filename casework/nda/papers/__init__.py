"""What a paper is and says by itself: its title, its bytes, whose signatures and seals they bear.  No register is asked."""
