"""What is erased of a finished case, by default all that could name a person; and what the law keeps."""
