"""What is each member interested in, and how strongly?"""
