"""What is particular to each language: how its package is made (`pack`) and tried (`try_in`)."""
