"""What is true of a case: reads, commands and signatures, and the rows, findings and questions that follow from them."""
