"""What and whom would this member like, given the people around them?"""
