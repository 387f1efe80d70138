"""What is watched inside a training: one probe a file."""
