"""Who are our members, which are alike, and which behave oddly?"""
