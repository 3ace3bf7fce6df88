"""Has this member's interest changed, and what should we do differently?"""
