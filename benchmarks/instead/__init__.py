"""What a user would pick instead: a file each, as its own tutorial or manual has it."""
